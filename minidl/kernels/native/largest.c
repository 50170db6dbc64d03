/* The gradient of the largest numbers of windows: see kernels/pooling.py. */
#ifndef LOOPS_ONLY
#include "pooling.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define FAMILY "largest.c"
#include "levels.h"

LOOPS(max_pool_backward);

/* x, y, dy, windows, dx, work */
KERNEL(max_pool_backward)
{
    Array x, y, dy, dx;
    Pooling pooling;
    if (names || count != 6 || !take_real(args[0], READ, &x) || !take_of(&x, args[1], READ, &y)
        || !take_like(&y, args[2], READ, &dy) || !take_like(&x, args[4], WRITE, &dx)
        || !fits(&x, &y, args[3], &pooling) || pooling.windows.stride[1] > 2
        || !apart(&x, &dx) || !apart(&y, &dx) || !apart(&dy, &dx))
        HAND_OVER;
    pooling.x = x.data;
    pooling.y = y.data;
    pooling.dy = dy.data;
    pooling.out = dx.data;
    run_images(PICK(max_pool_backward, x.is_double), &pooling, x.shape[0] * x.shape[1], pooling.high * pooling.wide);
    Py_INCREF(args[4]);
    return args[4];
}

PyMethodDef largest_kernels[] = {ENTRY(max_pool_backward), {NULL}};

#else

/* A row of windows of 2 x 2, side by side. As in the NumPy way, a number has the gradient if it is not below the
 * largest one, and those before it are. */
static inline void LOOP(give_to_tiles)(const REAL *restrict above, const REAL *restrict below,
                                       const REAL *restrict y, const REAL *restrict dy, REAL *restrict dx_above,
                                       REAL *restrict dx_below, ptrdiff_t pixels)
{
    for (ptrdiff_t p = 0; p < pixels; p++) {
        const REAL largest = y[p], nothing = dy[p] * 0;
        const int first_is_less = above[2 * p] < largest, second_is_less = above[2 * p + 1] < largest;
        const int third_is_less = below[2 * p] < largest, fourth_is_less = below[2 * p + 1] < largest;
        REAL rest = dy[p];
        dx_above[2 * p] = first_is_less ? nothing : rest;
        rest = first_is_less ? rest : nothing;
        dx_above[2 * p + 1] = second_is_less ? nothing : rest;
        rest = second_is_less ? rest : nothing;
        dx_below[2 * p] = third_is_less ? nothing : rest;
        rest = third_is_less ? rest : nothing;
        dx_below[2 * p + 1] = fourth_is_less ? nothing : rest;
    }
}

/* A row of an image as windows see it that lie 1 or 2 apart: for 2, the even places and then, `length` further on, the
 * odd ones. */
static inline void LOOP(split)(const Pooling *pooling, const REAL *restrict x, REAL *restrict phases,
                               ptrdiff_t length)
{
    const ptrdiff_t wide = pooling->wide, stride = pooling->windows.stride[1], padding = pooling->windows.padding[1];
    if (stride == 1)
        memcpy(phases + padding, x, (size_t)wide * sizeof(REAL));
    else {
        ptrdiff_t place = padding / 2, c = padding % 2;
        if (c)
            phases[length + place++] = x[0];
        REAL *restrict even = phases + place, *restrict odd = even + length;
        const REAL *restrict rest = x + c;
        const ptrdiff_t pairs = (wide - c) / 2;
        for (ptrdiff_t q = 0; q < pairs; q++) {
            even[q] = rest[2 * q];
            odd[q] = rest[2 * q + 1];
        }
        if (c + 2 * pairs < wide)
            even[pairs] = x[wide - 1];
    }
}

/* Note the place `here` for each window whose largest number stands there. A function of its own, so that compilers
 * do not merge it with the loops around it into one that they cannot make vector instructions of. */
static NOT_INLINE void LOOP(note_place)(const REAL *restrict numbers, const REAL *restrict largest,
                                        UNSIGNED *restrict places, ptrdiff_t count, UNSIGNED here)
{
    for (ptrdiff_t p = 0; p < count; p++)
        places[p] = numbers[p] == largest[p] ? here : places[p];
}

/* The gradients of a row's windows, whose image's rows `seen` has: it is found first at which place each of them
 * has its largest number.
 *
 * If there is NaN, it is the first one in the image. Places are looked at from the last one, so that the first that
 * is the largest one stays. `largest` is memory for y. */
static inline void LOOP(give_to_largest)(const Pooling *pooling, const REAL *restrict seen, ptrdiff_t length,
                                         ptrdiff_t row, const REAL *restrict y, const REAL *restrict dy,
                                         REAL *restrict dx, REAL *restrict largest)
{
    const ptrdiff_t wide = pooling->wide, pixels = pooling->pixels, kernel = pooling->windows.kernel[1];
    const ptrdiff_t stride = pooling->windows.stride[1], padding = pooling->windows.padding[1];
    const ptrdiff_t top = row * pooling->windows.stride[0] - pooling->windows.padding[0];
    const ptrdiff_t count = (pixels + LANES - 1) / LANES * LANES; /* whole vectors, of which the rest is not used */
    UNSIGNED places[MOST_NUMBERS + LANES];
    ptrdiff_t i_first, i_end;
    see(top, pooling->windows.kernel[0], pooling->high, &i_first, &i_end);
    memcpy(largest, y, (size_t)pixels * sizeof(REAL));
    for (ptrdiff_t p = 0; p < count; p++)
        places[p] = (UNSIGNED)(i_first * wide + (p * stride < padding ? padding - p * stride : 0));
    for (ptrdiff_t i = i_end - 1; i >= i_first; i--) {
        const REAL *numbers = seen + (i - i_first) * stride * length;
        ptrdiff_t phase = (kernel - 1) % stride, place = (kernel - 1) / stride;
        for (ptrdiff_t j = kernel - 1; j >= 0; j--) {
            LOOP(note_place)(numbers + phase * length + place, largest, places, count, (UNSIGNED)(i * wide + j));
            place -= !phase;
            phase = phase ? phase - 1 : stride - 1;
        }
    }
    for (ptrdiff_t p = pixels - 1; p >= 0; p--) {
        REAL *corner = dx + top * wide + p * stride - padding;
        corner[places[p]] += dy[p];
        if (dy[p] * 0 != 0) /* infinite or NaN, which makes the others NaN, for their share is 0 times it */
            for (ptrdiff_t i = i_first; i < i_end; i++)
                for (ptrdiff_t j = 0; j < kernel; j++) {
                    const ptrdiff_t column = p * stride - padding + j;
                    if (column >= 0 && column < wide && (UNSIGNED)(i * wide + j) != places[p])
                        corner[i * wide + j] += dy[p] * 0;
                }
    }
}

/* An image's gradient, some rows of windows at a time. Windows give from the last one to the first, so that the
 * shares of a number add up in the order of the NumPy way. */
static inline void LOOP(give_image)(const Pooling *pooling, const REAL *restrict x, const REAL *restrict y,
                                    const REAL *restrict dy, REAL *restrict dx, REAL *restrict memory,
                                    REAL *restrict largest)
{
    const Windows *windows = &pooling->windows;
    const ptrdiff_t high = pooling->high, wide = pooling->wide, pixels = pooling->pixels;
    const ptrdiff_t length = (wide + 2 * windows->padding[1]) / windows->stride[1] + 1;
    const ptrdiff_t pitch = length * windows->stride[1];
    const ptrdiff_t most = (MOST_NUMBERS / pitch - windows->kernel[0]) / windows->stride[0] + 1;
    memset(dx, 0, (size_t)(high * wide) * sizeof(REAL));
    for (ptrdiff_t end = pooling->rows; end > 0; end -= most) {
        const ptrdiff_t start = end > most ? end - most : 0;
        ptrdiff_t top = start * windows->stride[0] - windows->padding[0];
        ptrdiff_t bottom = (end - 1) * windows->stride[0] - windows->padding[0] + windows->kernel[0];
        top = top < 0 ? 0 : top;
        bottom = bottom > high ? high : bottom;
        for (ptrdiff_t row = top; row < bottom; row++)
            LOOP(split)(pooling, x + row * wide, memory + (row - top) * pitch, length);
        for (ptrdiff_t row = end - 1; row >= start; row--) {
            const ptrdiff_t first = row * windows->stride[0] - windows->padding[0];
            LOOP(give_to_largest)(pooling, memory + (first > top ? first - top : 0) * pitch, length, row,
                                  y + row * pixels, dy + row * pixels, dx, largest);
        }
    }
}

static void LOOP(max_pool_backward)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Pooling *pooling = context;
    const Windows *windows = &pooling->windows;
    const ptrdiff_t size = pooling->high * pooling->wide, wide = pooling->wide, pixels = pooling->pixels;
    const int tiles = windows->kernel[0] == 2 && windows->kernel[1] == 2 && are_tiles(pooling);
    REAL memory[MOST_NUMBERS + LANES], largest[MOST_NUMBERS + LANES];
    for (ptrdiff_t i = 0; i < (tiles ? 0 : MOST_NUMBERS + LANES); i++)
        memory[i] = largest[i] = (REAL)NAN; /* as padding, which is equal to nothing */
    for (ptrdiff_t image = first; image < end; image++) {
        const REAL *x = (const REAL *)pooling->x + image * size;
        const REAL *y = (const REAL *)pooling->y + image * pooling->rows * pixels;
        const REAL *dy = (const REAL *)pooling->dy + image * pooling->rows * pixels;
        REAL *dx = (REAL *)pooling->out + image * size;
        if (!tiles)
            LOOP(give_image)(pooling, x, y, dy, dx, memory, largest);
        else
            for (ptrdiff_t row = 0; row < pooling->rows; row++) {
                const REAL *above = x + 2 * row * wide;
                REAL *to = dx + 2 * row * wide;
                LOOP(give_to_tiles)(above, above + wide, y + row * pixels, dy + row * pixels, to, to + wide, pixels);
            }
    }
}

#endif
