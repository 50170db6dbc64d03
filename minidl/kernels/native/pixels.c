/* Means of channels' pixels: see kernels/pooling.py. */
#ifndef LOOPS_ONLY
#include "pooling.h"

#define FAMILY "pixels.c"
#include "levels.h"

LOOPS(mean_pixels);
LOOPS(mean_pixels_backward);

/* Whether `images` is of shape (N, channels, height, width), and `outputs` of (N, channels); neither is empty. */
static int are_images(const Array *images, const Array *outputs, Pooling *pooling)
{
    if (images->dimensions != 4 || outputs->dimensions != 2 || images->size == 0
        || images->shape[0] != outputs->shape[0] || images->shape[1] != outputs->shape[1])
        return 0;
    pooling->pixels = images->shape[2] * images->shape[3];
    pooling->scale = 1 / (double)pooling->pixels;
    return 1;
}

/* x, out */
KERNEL(mean_pixels)
{
    Array x, out;
    Pooling pooling;
    if (names || count != 2 || !take_real(args[0], READ, &x) || !take_of(&x, args[1], WRITE, &out)
        || !are_images(&x, &out, &pooling) || !apart(&x, &out))
        HAND_OVER;
    pooling.x = x.data;
    pooling.out = out.data;
    run_images(PICK(mean_pixels, x.is_double), &pooling, out.size, pooling.pixels);
    Py_INCREF(args[1]);
    return args[1];
}

/* dy, dx */
KERNEL(mean_pixels_backward)
{
    Array dy, dx;
    Pooling pooling;
    if (names || count != 2 || !take_real(args[0], READ, &dy) || !take_of(&dy, args[1], WRITE, &dx)
        || !are_images(&dx, &dy, &pooling) || !apart(&dy, &dx))
        HAND_OVER;
    pooling.dy = dy.data;
    pooling.out = dx.data;
    run_images(PICK(mean_pixels_backward, dy.is_double), &pooling, dy.size, pooling.pixels);
    Py_INCREF(args[1]);
    return args[1];
}

PyMethodDef pixels_kernels[] = {ENTRY(mean_pixels), ENTRY(mean_pixels_backward), {NULL}};

#else

#include "sums.h"

ROW_SUMS(add_numbers, NUMBERS)

static void LOOP(mean_pixels)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Pooling *pooling = context;
    for (ptrdiff_t image = first; image < end; image++) {
        double sum = 0;
        const REAL *x = (const REAL *)pooling->x + image * pooling->pixels;
        LOOP(add_numbers)(x, x, 0, 0, 1, 0, pooling->pixels, &sum);
        ((REAL *)pooling->out)[image] = (REAL)(sum * pooling->scale);
    }
}

static void LOOP(mean_pixels_backward)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Pooling *pooling = context;
    for (ptrdiff_t image = first; image < end; image++) {
        REAL *dx = (REAL *)pooling->out + image * pooling->pixels;
        const REAL share = ((const REAL *)pooling->dy)[image] * (REAL)pooling->scale;
        for (ptrdiff_t i = 0; i < pooling->pixels; i++)
            dx[i] = share;
    }
}

#endif
