/* Numbers brought to a common scale by their own mean and variance: see kernels/normalization.py.
 *
 * Everything a norm needs is read three times while it is in the cache: for the mean, for the sums of what is left
 * and of its squares, and for the output. The sum of what is left takes the rounding of the mean off.
 */
#ifndef LOOPS_ONLY
#include "arrays.h"

#include <math.h>

/* Samples, channels, places; `rows` are what the statistics are of. A block is so many samples, whose parts in the
 * parameters' gradients are added up in one go; `partial` has two numbers for each block and channel. */
typedef struct {
    const void *x, *dy, *weight, *bias, *mean, *variance;
    void *out, *statistics, *weight_gradient, *bias_gradient, *partial;
    ptrdiff_t samples, channels, places, groups, rows, block;
    double eps, share, unbiased;
} Norm;

enum {
    GRAIN = 1 << 14, /* numbers that are worth a part of their own */
    COLUMNS = 64,    /* that are brought through all samples at a time, where a channel has few places */
    FEW = 32,        /* places that are taken as columns, for a row of them would be too short */
    MOST_ROWS = 256, /* that the sum of a column is */
    LEAST_ROWS = 8   /* of a block, so that the sums take less memory than the numbers */
};

#define FAMILY "normalization.c"
#include "levels.h"

LOOPS(batch_columns);
LOOPS(batch_channels);
LOOPS(batch_columns_backward);
LOOPS(batch_channels_backward);
LOOPS(inference_columns);
LOOPS(inference_channels);
LOOPS(groups);
LOOPS(groups_backward);
LOOPS(add_blocks);
LOOPS(move);

/* Take an array (N, C, L); there is at least one number. */
static int take_numbers(PyObject *object, Array *x, Norm *norm)
{
    if (!take_real(object, READ, x) || x->dimensions != 3 || x->size == 0)
        return 0;
    norm->x = x->data;
    norm->samples = x->shape[0];
    norm->channels = x->shape[1];
    norm->places = x->shape[2];
    return 1;
}

/* Take an array (size,). */
static int take_vector(const Array *x, PyObject *object, int flags, npy_intp size, Array *vector)
{
    return take_of(x, object, flags, vector) && vector->dimensions == 1 && vector->size == size;
}

/* Take the statistics of so many rows. */
static int take_statistics(const Array *x, PyObject *object, npy_intp rows, Array *statistics)
{
    return take_of(x, object, READ, statistics) && statistics->dimensions == 2 && statistics->shape[0] == 4
           && statistics->shape[1] == rows;
}

/* Take a positive number of groups that divides the channels. */
static int take_groups(PyObject *object, Norm *norm)
{
    double groups;
    if (!PyLong_Check(object) || !take_number(object, &groups) || groups < 1 || groups > (double)norm->channels)
        return 0;
    norm->groups = (ptrdiff_t)groups;
    norm->rows = norm->samples * norm->groups;
    return norm->channels % norm->groups == 0;
}

/* How many of `width` numbers each make a part, in multiples of `step`. */
static ptrdiff_t grain_of(ptrdiff_t width, ptrdiff_t step)
{
    ptrdiff_t grain = GRAIN / width / step * step;
    return grain < step ? step : grain;
}

/* How many channels make a part: as many as are brought through the samples at a time, or a multiple. */
static ptrdiff_t channel_grain(const Norm *norm)
{
    return grain_of(norm->samples * norm->places, norm->places > FEW ? 1 : COLUMNS / norm->places);
}

/* The statistics of a forward pass, for `out` of the shape of x; NULL without an error if the arrays do not fit. */
static PyObject *forward(const Array *x, Norm *norm, PyObject *weight, PyObject *bias, PyObject *eps, PyObject *out)
{
    Array scale, shift, y;
    if (!take_vector(x, weight, READ, norm->channels, &scale) || !take_vector(x, bias, READ, norm->channels, &shift)
        || !take_number(eps, &norm->eps) || !take_like(x, out, WRITE, &y) || !apart(&y, x) || !apart(&y, &scale)
        || !apart(&y, &shift))
        return NULL;
    norm->weight = scale.data;
    norm->bias = shift.data;
    norm->out = y.data;
    npy_intp shape[2] = {4, norm->rows};
    PyObject *statistics = new_array(2, shape, x->is_double);
    if (statistics)
        norm->statistics = PyArray_DATA((PyArrayObject *)statistics);
    return statistics;
}

/* The arrays of a backward pass; 0 if they do not fit. `out`, which may be lacking, has the shape of x, or this twice
 * where it has two halves. */
static int backward(const Array *x, Norm *norm, PyObject *dy, PyObject *statistics, PyObject *weight,
                    PyObject *const *gradients, PyObject *out, int halves)
{
    Array scale, found, by_weight, by_bias, upper, dx;
    if (!take_like(x, dy, READ, &upper) || !take_statistics(x, statistics, norm->rows, &found)
        || !take_vector(x, weight, READ, norm->channels, &scale)
        || !take_vector(x, gradients[0], WRITE, norm->channels, &by_weight)
        || !take_vector(x, gradients[1], WRITE, norm->channels, &by_bias) || !apart(&by_weight, &by_bias))
        return 0;
    const Array *const all[] = {x, &upper, &found, &scale};
    for (int i = 0; i < 4; i++)
        if (!apart(all[i], &by_weight) || !apart(all[i], &by_bias))
            return 0;
    norm->out = NULL;
    if (out != Py_None) {
        if (!take_of(x, out, WRITE, &dx) || dx.dimensions != 2 + halves || dx.size != halves * x->size)
            return 0;
        for (int axis = 0; axis < 3; axis++)
            if (dx.shape[axis + halves - 1] != x->shape[axis])
                return 0;
        if (!apart(&dx, x) || !apart(&dx, &upper)
            || !apart(&dx, &found) || !apart(&dx, &scale) || !apart(&dx, &by_weight) || !apart(&dx, &by_bias))
            return 0;
        norm->out = dx.data;
    }
    norm->dy = upper.data;
    norm->statistics = found.data;
    norm->weight = scale.data;
    norm->weight_gradient = by_weight.data;
    norm->bias_gradient = by_bias.data;
    return 1;
}

/* x, weight, bias, eps, out */
KERNEL(batch_norm)
{
    Array x;
    Norm norm;
    if (names || count != 5 || !take_numbers(args[0], &x, &norm))
        HAND_OVER;
    norm.rows = norm.channels;
    PyObject *statistics = forward(&x, &norm, args[1], args[2], args[3], args[4]);
    if (!statistics) {
        if (PyErr_Occurred())
            return NULL;
        HAND_OVER;
    }
    run_loop(norm.places > FEW ? PICK(batch_channels, x.is_double) : PICK(batch_columns, x.is_double), &norm,
             norm.channels, channel_grain(&norm));
    return statistics;
}

/* dy, x, statistics, weight, weight_gradient, bias_gradient, out or None */
KERNEL(batch_norm_backward)
{
    Array x;
    Norm norm;
    if (names || count < 6 || count > 7 || !take_numbers(args[1], &x, &norm))
        HAND_OVER;
    PyObject *out = count == 7 ? args[6] : Py_None;
    norm.rows = norm.channels;
    if (!backward(&x, &norm, args[0], args[2], args[3], args + 4, out, 1))
        HAND_OVER;
    run_loop(norm.places > FEW ? PICK(batch_channels_backward, x.is_double) : PICK(batch_columns_backward, x.is_double), &norm,
             norm.channels, channel_grain(&norm));
    Py_INCREF(out);
    return out;
}

/* x, mean, variance, weight, bias, eps */
KERNEL(batch_norm_inference)
{
    Array x, mean, variance, weight, bias;
    Norm norm;
    if (names || count != 6 || !take_numbers(args[0], &x, &norm)
        || !take_vector(&x, args[1], READ, norm.channels, &mean)
        || !take_vector(&x, args[2], READ, norm.channels, &variance)
        || !take_vector(&x, args[3], READ, norm.channels, &weight)
        || !take_vector(&x, args[4], READ, norm.channels, &bias) || !take_number(args[5], &norm.eps))
        HAND_OVER;
    PyObject *out = new_array(3, x.shape, x.is_double);
    if (!out)
        return NULL;
    norm.mean = mean.data;
    norm.variance = variance.data;
    norm.weight = weight.data;
    norm.bias = bias.data;
    norm.out = PyArray_DATA((PyArrayObject *)out);
    if (norm.places == 1)
        run_loop(PICK(inference_columns, x.is_double), &norm, norm.samples, grain_of(norm.channels, 1));
    else
        run_loop(PICK(inference_channels, x.is_double), &norm, norm.samples * norm.channels,
                 grain_of(norm.places, 1));
    return out;
}

/* mean, variance, statistics, share, unbiased */
KERNEL(move_statistics)
{
    Array mean, variance, statistics;
    Norm norm;
    if (names || count != 5 || !take_real(args[0], WRITE, &mean) || mean.dimensions != 1
        || !take_vector(&mean, args[1], WRITE, mean.size, &variance)
        || !take_statistics(&mean, args[2], mean.size, &statistics) || !take_number(args[3], &norm.share)
        || !take_number(args[4], &norm.unbiased) || !apart(&mean, &variance) || !apart(&mean, &statistics)
        || !apart(&variance, &statistics))
        HAND_OVER;
    norm.weight_gradient = mean.data;
    norm.bias_gradient = variance.data;
    norm.statistics = statistics.data;
    PICK(move, mean.is_double)(&norm, 0, mean.size);
    RETURN_NONE;
}

/* x, weight, bias, eps, groups, out */
KERNEL(group_norm)
{
    Array x;
    Norm norm;
    if (names || count != 6 || !take_numbers(args[0], &x, &norm) || !take_groups(args[4], &norm))
        HAND_OVER;
    PyObject *statistics = forward(&x, &norm, args[1], args[2], args[3], args[5]);
    if (!statistics) {
        if (PyErr_Occurred())
            return NULL;
        HAND_OVER;
    }
    run_loop(PICK(groups, x.is_double), &norm, norm.rows, grain_of(x.size / norm.rows, 1));
    return statistics;
}

/* dy, x, statistics, weight, groups, weight_gradient, bias_gradient, work or None */
KERNEL(group_norm_backward)
{
    Array x;
    Norm norm;
    if (names || count < 7 || count > 8 || !take_numbers(args[1], &x, &norm) || !take_groups(args[4], &norm))
        HAND_OVER;
    PyObject *out = count == 8 ? args[7] : Py_None;
    if (!backward(&x, &norm, args[0], args[2], args[3], args + 5, out, 2))
        HAND_OVER;
    ptrdiff_t least = (LEAST_ROWS + norm.places - 1) / norm.places;
    norm.block = grain_of(norm.channels * norm.places, 1);
    norm.block = norm.block < least ? least : norm.block > MOST_ROWS ? MOST_ROWS : norm.block;
    ptrdiff_t blocks = (norm.samples + norm.block - 1) / norm.block, item = x.is_double ? sizeof(double) : sizeof(float);
    norm.partial = PyMem_Calloc((size_t)(blocks * norm.channels), (size_t)(2 * item));
    if (!norm.partial)
        return PyErr_NoMemory();
    run_loop(PICK(groups_backward, x.is_double), &norm, blocks, 1);
    PICK(add_blocks, x.is_double)(&norm, 0, blocks);
    PyMem_Free(norm.partial);
    RETURN_NONE;
}

PyMethodDef normalization_kernels[] = {
    ENTRY(batch_norm), ENTRY(batch_norm_backward), ENTRY(batch_norm_inference), ENTRY(move_statistics),
    ENTRY(group_norm), ENTRY(group_norm_backward), {NULL},
};

#else
#include "normalization_loops.h"
#include "normalization_columns.h"
#endif
