/* An operation of one row with each row of an array: see kernels/broadcast.py. */
#ifndef LOOPS_ONLY
#include "arrays.h"

/* The numbers of `x`, of one of three dtypes, and rows of `period` numbers, or one number where a step is 0. */
typedef struct {
    const void *x, *mean, *inverse_scale;
    void *out;
    int type, mean_step, scale_step;
    ptrdiff_t period;
} Standardize;

#define FAMILY "broadcast.c"
#include "levels.h"

enum { GRAIN = 1 << 15 };

LOOPS(standardize);

/* Take a number or long rows of `size` numbers; how many numbers there are, 0 for none. */
static npy_intp take_rows(const Array *out, PyObject *object, npy_intp size, Array *rows)
{
    if (!take_of(out, object, READ, rows) || !apart(rows, out))
        return 0;
    if (rows->dimensions == 0)
        return 1;
    return rows->dimensions == 2 && rows->shape[1] == size ? rows->size : 0;
}

/* x, mean, inverse_scale, out */
KERNEL(standardize)
{
    Array x, mean, inverse_scale, out;
    if (names || count != 4 || !take_real(args[3], WRITE, &out) || out.dimensions == 0 || out.size == 0
        || !(is_plain(args[0], NPY_UBYTE, READ) || is_plain(args[0], NPY_FLOAT, READ)
             || is_plain(args[0], NPY_DOUBLE, READ)))
        HAND_OVER;
    look(args[0], &x);
    if (!is_shaped_like(&x, &out) || !apart(&x, &out))
        HAND_OVER;
    npy_intp size = out.size / out.shape[0], means = take_rows(&out, args[1], size, &mean);
    npy_intp scales = take_rows(&out, args[2], size, &inverse_scale);
    if (!means || !scales || (mean.dimensions && inverse_scale.dimensions && means != scales))
        HAND_OVER;
    Standardize work = {.x = x.data, .mean = mean.data, .inverse_scale = inverse_scale.data, .out = out.data,
                        .type = PyArray_TYPE((PyArrayObject *)args[0]), .mean_step = mean.dimensions != 0,
                        .scale_step = inverse_scale.dimensions != 0};
    work.period = work.mean_step || work.scale_step ? (means > scales ? means : scales) : GRAIN;
    run_loop(PICK(standardize, out.is_double), &work, out.size, (GRAIN + work.period - 1) / work.period * work.period);
    Py_INCREF(args[3]);
    return args[3];
}

PyMethodDef broadcast_kernels[] = {ENTRY(standardize), {NULL}};

#else

/* A period of numbers of one type; C subtracts in the wider one of both types. */
#define STANDARDIZE(TYPE, MEAN, SCALE)                                                                    \
    for (ptrdiff_t i = 0; i < size; i++)                                                                  \
        out[i] = (REAL)(((const TYPE *)x)[i] - (MEAN)) * (SCALE)
#define STANDARDIZE_BY(TYPE)                                                                              \
    do {                                                                                                  \
        if (work->mean_step && work->scale_step)                                                          \
            STANDARDIZE(TYPE, means[i], scales[i]);                                                       \
        else if (work->mean_step)                                                                         \
            STANDARDIZE(TYPE, means[i], scale);                                                           \
        else if (work->scale_step)                                                                        \
            STANDARDIZE(TYPE, mean, scales[i]);                                                           \
        else                                                                                              \
            STANDARDIZE(TYPE, mean, scale);                                                               \
    } while (0)

/* Numbers `first` to `end`; `first` is a multiple of the period. */
static void LOOP(standardize)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Standardize *work = context;
    const REAL *means = work->mean, *scales = work->inverse_scale, mean = *means, scale = *scales;
    for (ptrdiff_t start = first; start < end; start += work->period) {
        ptrdiff_t size = end - start < work->period ? end - start : work->period;
        REAL *restrict out = (REAL *)work->out + start;
        if (work->type == NPY_UBYTE) {
            const unsigned char *x = (const unsigned char *)work->x + start;
            STANDARDIZE_BY(unsigned char);
        } else if (work->type == NPY_FLOAT) {
            const float *x = (const float *)work->x + start;
            STANDARDIZE_BY(float);
        } else {
            const double *x = (const double *)work->x + start;
            STANDARDIZE_BY(double);
        }
    }
}

#undef STANDARDIZE
#undef STANDARDIZE_BY

#endif
