/* Dropout from numbers that NumPy has drawn: see kernels/dropout.py. */
#ifndef LOOPS_ONLY
#include "arrays.h"

#include <stdint.h>

typedef struct {
    const float *drawn;
    const void *x;
    void *mask, *y;
    double p, scale;
} Dropping;

#define FAMILY "dropout.c"
#include "levels.h"

enum { GRAIN = 1 << 15 };

LOOPS(drop);

/* drawn, p, x, mask, y */
KERNEL(drop)
{
    Array drawn, x, mask, y;
    Dropping dropping;
    if (names || count != 5 || !is_plain(args[0], NPY_FLOAT, READ) || !take_number(args[1], &dropping.p)
        || !take_real(args[2], READ, &x) || !take_like(&x, args[3], WRITE, &mask) || !take_like(&x, args[4], WRITE, &y))
        HAND_OVER;
    look(args[0], &drawn);
    if (drawn.dimensions != 1 || x.dimensions != 1 || drawn.size != x.size || !apart(&mask, &x) || !apart(&y, &x)
        || !apart(&mask, &y) || !apart(&mask, &drawn) || !apart(&y, &drawn))
        HAND_OVER;
    dropping.scale = dropping.p < 1 ? 1 / (1 - dropping.p) : 0;
    dropping.drawn = drawn.data;
    dropping.x = x.data;
    dropping.mask = mask.data;
    dropping.y = y.data;
    run_loop(PICK(drop, x.is_double), &dropping, x.size, GRAIN);
    RETURN_NONE;
}

PyMethodDef dropout_kernels[] = {ENTRY(drop), {NULL}};

#else

static void LOOP(drop)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Dropping *dropping = context;
    const float *restrict drawn = dropping->drawn;
    const REAL *restrict x = dropping->x;
    REAL *restrict mask = dropping->mask, *restrict y = dropping->y;
    const float p = (float)dropping->p;
    const REAL scale = (REAL)dropping->scale;
    for (ptrdiff_t i = first; i < end; i++) {
        REAL factor = drawn[i] >= p ? scale : 0;
        mask[i] = factor;
        y[i] = x[i] * factor;
    }
}

#endif
