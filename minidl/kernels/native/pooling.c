/* The largest number of each window, and the mean with its gradient: see kernels/pooling.py. */
#ifndef LOOPS_ONLY
#include "pooling.h"

#include <math.h>
#include <string.h>

#define FAMILY "pooling.c"
#include "levels.h"

LOOPS(max_pool);
LOOPS(mean_pool);
LOOPS(mean_pool_backward);

/* x, windows, out */
static PyObject *pool(PyObject *numpy_way, PyObject *const *args, Py_ssize_t count, PyObject *names,
                      Loop *const loops[2])
{
    Array x, out;
    Pooling pooling;
    if (names || count != 3 || !take_real(args[0], READ, &x) || !take_of(&x, args[2], WRITE, &out)
        || !fits(&x, &out, args[1], &pooling) || !apart(&x, &out))
        HAND_OVER;
    pooling.x = x.data;
    pooling.out = out.data;
    run_images(loops[x.is_double], &pooling, x.shape[0] * x.shape[1], pooling.high * pooling.wide);
    Py_INCREF(args[2]);
    return args[2];
}

KERNEL(max_pool)
{
    return pool(numpy_way, args, count, names, max_pool_loops[level]);
}

KERNEL(mean_pool)
{
    return pool(numpy_way, args, count, names, mean_pool_loops[level]);
}

/* dy, windows, dx, work */
KERNEL(mean_pool_backward)
{
    Array dy, dx;
    Pooling pooling;
    if (names || count != 4 || !take_real(args[0], READ, &dy) || !take_of(&dy, args[2], WRITE, &dx)
        || !fits(&dx, &dy, args[1], &pooling) || !apart(&dy, &dx)
        || (pooling.windows.stride[1] > 2 && pooling.windows.kernel[0] == 1)) /* which NumPy does as fast */
        HAND_OVER;
    pooling.dy = dy.data;
    pooling.out = dx.data;
    run_images(PICK(mean_pool_backward, dy.is_double), &pooling, dx.shape[0] * dx.shape[1],
               pooling.high * pooling.wide);
    Py_INCREF(args[2]);
    return args[2];
}

PyMethodDef pooling_kernels[] = {ENTRY(max_pool), ENTRY(mean_pool), ENTRY(mean_pool_backward), {NULL}};

#else

/* The larger number, or NaN if one of them is; or the sum. */
static inline REAL LOOP(combine)(REAL a, REAL b, int is_max)
{
    REAL larger = a > b ? a : b;
    return !is_max ? a + b : a != a ? a : larger;
}

/* What an image's columns give, where windows of an output row see them. */
static inline void LOOP(pool_down)(const Pooling *pooling, const REAL *restrict x, ptrdiff_t row, REAL *restrict seen,
                                   const int is_max)
{
    const ptrdiff_t wide = pooling->wide, start = row * pooling->windows.stride[0] - pooling->windows.padding[0];
    ptrdiff_t i, end;
    see(start, pooling->windows.kernel[0], pooling->high, &i, &end);
    const REAL *numbers = x + (start + i) * wide;
    if (end - i == 1) {
        memcpy(seen, numbers, (size_t)wide * sizeof(REAL));
        return;
    }
    for (ptrdiff_t c = 0; c < wide; c++)
        seen[c] = LOOP(combine)(numbers[c], numbers[wide + c], is_max);
    for (i += 2; i < end; i++) {
        numbers = x + (start + i) * wide;
        for (ptrdiff_t c = 0; c < wide; c++)
            seen[c] = LOOP(combine)(seen[c], numbers[c], is_max);
    }
}

/* What those columns give, padding included, for each of `count` windows. */
static inline void LOOP(pool_across)(const Pooling *pooling, const REAL *restrict seen, REAL *restrict out,
                                     ptrdiff_t count, const int is_max)
{
    const ptrdiff_t kernel = pooling->windows.kernel[1], stride = pooling->windows.stride[1];
    const REAL scale = is_max ? 1 : (REAL)pooling->scale;
    if (kernel == 2 && stride == 2)
        for (ptrdiff_t p = 0; p < count; p++)
            out[p] = LOOP(combine)(seen[2 * p], seen[2 * p + 1], is_max) * scale;
    else if (kernel == 3 && stride == 2)
        for (ptrdiff_t p = 0; p < count; p++) {
            REAL both = LOOP(combine)(seen[2 * p], seen[2 * p + 1], is_max);
            out[p] = LOOP(combine)(both, seen[2 * p + 2], is_max) * scale;
        }
    else {
        for (ptrdiff_t p = 0; p < count; p++)
            out[p] = seen[p * stride];
        for (ptrdiff_t j = 1; j < kernel; j++)
            if (stride == 1)
                for (ptrdiff_t p = 0; p < count; p++)
                    out[p] = LOOP(combine)(out[p], seen[p + j], is_max);
            else
                for (ptrdiff_t p = 0; p < count; p++)
                    out[p] = LOOP(combine)(out[p], seen[p * stride + j], is_max);
        for (ptrdiff_t p = 0; p < count && !is_max; p++)
            out[p] *= scale;
    }
}

static inline void LOOP(pool)(const Pooling *pooling, ptrdiff_t first, ptrdiff_t end, const int is_max)
{
    REAL memory[MOST_NUMBERS];
    const ptrdiff_t padding = pooling->windows.padding[1], pitch = pooling->wide + 2 * padding;
    const ptrdiff_t rows = pooling->rows, pixels = pooling->pixels, most = MOST_NUMBERS / pitch;
    const int tiles = are_tiles(pooling);
    for (ptrdiff_t i = 0; i < (padding ? MOST_NUMBERS : 0); i++)
        memory[i] = is_max ? (REAL)-INFINITY : 0;
    for (ptrdiff_t image = first; image < end; image++) {
        const REAL *x = (const REAL *)pooling->x + image * pooling->high * pooling->wide;
        REAL *out = (REAL *)pooling->out + image * rows * pixels;
        for (ptrdiff_t start = 0; start < rows; start += most) {
            ptrdiff_t count = rows - start < most ? rows - start : most;
            for (ptrdiff_t row = 0; row < count; row++)
                LOOP(pool_down)(pooling, x, start + row, memory + row * pitch + padding, is_max);
            if (tiles)
                LOOP(pool_across)(pooling, memory, out + start * pixels, count * pixels, is_max);
            else
                for (ptrdiff_t row = 0; row < count; row++)
                    LOOP(pool_across)(pooling, memory + row * pitch, out + (start + row) * pixels, pixels, is_max);
        }
    }
}

static void LOOP(max_pool)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    LOOP(pool)(context, first, end, 1);
}

static void LOOP(mean_pool)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    LOOP(pool)(context, first, end, 0);
}

/* A row's windows, each of which gives its share to its columns; `shares` has the padding, too. */
static inline void LOOP(share_across)(const Pooling *pooling, const REAL *restrict dy, REAL *restrict shares,
                                      int tiles)
{
    const ptrdiff_t pixels = pooling->pixels, kernel = pooling->windows.kernel[1];
    const ptrdiff_t stride = pooling->windows.stride[1];
    const REAL scale = (REAL)pooling->scale;
    if (tiles && kernel == 2)
        for (ptrdiff_t p = 0; p < pixels; p++)
            shares[2 * p] = shares[2 * p + 1] = dy[p] * scale;
    else {
        memset(shares, 0, (size_t)(pooling->wide + 2 * pooling->windows.padding[1]) * sizeof(REAL));
        for (ptrdiff_t j = 0; j < kernel; j++)
            if (stride == 1)
                for (ptrdiff_t p = 0; p < pixels; p++)
                    shares[p + j] += dy[p] * scale;
            else
                for (ptrdiff_t p = 0; p < pixels; p++)
                    shares[p * stride + j] += dy[p] * scale;
    }
}

static void LOOP(mean_pool_backward)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Pooling *pooling = context;
    const Windows *windows = &pooling->windows;
    const ptrdiff_t high = pooling->high, wide = pooling->wide;
    const int tiles = are_tiles(pooling);
    REAL memory[MOST_NUMBERS];
    const REAL *shares = memory + windows->padding[1];
    for (ptrdiff_t image = first; image < end; image++) {
        const REAL *dy = (const REAL *)pooling->dy + image * pooling->rows * pooling->pixels;
        REAL *dx = (REAL *)pooling->out + image * high * wide;
        if (!tiles)
            memset(dx, 0, (size_t)(high * wide) * sizeof(REAL));
        for (ptrdiff_t row = 0; row < pooling->rows; row++) {
            const ptrdiff_t top = row * windows->stride[0] - windows->padding[0];
            ptrdiff_t i, i_end;
            see(top, windows->kernel[0], high, &i, &i_end);
            LOOP(share_across)(pooling, dy + row * pooling->pixels, memory, tiles);
            for (; i < i_end; i++) {
                REAL *to = dx + (top + i) * wide;
                if (tiles)
                    for (ptrdiff_t c = 0; c < wide; c++)
                        to[c] = shares[c];
                else
                    for (ptrdiff_t c = 0; c < wide; c++)
                        to[c] += shares[c];
            }
        }
    }
}

#endif
