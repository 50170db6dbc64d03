/* Softmax and its logarithm, row by row: see kernels/softmax.py. */
#ifndef LOOPS_ONLY
#include "arrays.h"

#include "exponentials.h"

/* A walk over the rows of `scores`, of `classes` numbers each: `logs` and `out` are what is to be written. */
typedef struct {
    const void *scores, *other;
    void *out, *logs;
    ptrdiff_t classes;
} Rows;

#define FAMILY "softmax.c"
#include "levels.h"

LOOPS(softmax);
LOOPS(softmax_backward);
LOOPS(log_softmax);
LOOPS(log_softmax_backward);

static ptrdiff_t row_length(const Array *scores)
{
    return scores->shape[scores->dimensions - 1];
}

/* Take one that may be missing (then `data` is NULL) and is written to while `scores` is read. */
static int take_optional(PyObject *object, const Array *scores, Array *array)
{
    array->data = NULL;
    return object == Py_None || (take_like(scores, object, WRITE, array) && apart_or_same(scores, array));
}

/* scores, out=None, sums=None */
KERNEL(softmax)
{
    Array scores, out;
    PyObject *wanted = count > 1 ? args[1] : Py_None;
    if (names || count < 1 || count > 3 || !take_scores(args[0], &scores) || !take_optional(wanted, &scores, &out))
        HAND_OVER;
    PyObject *result = given_or_new(wanted, scores.dimensions, scores.shape, scores.is_double, &out);
    if (!result)
        return NULL;
    Rows rows = {.scores = scores.data, .out = out.data, .classes = row_length(&scores)};
    run_loop(PICK(softmax, scores.is_double), &rows, scores.size / rows.classes, grain_of(rows.classes));
    return result;
}

/* scores, out=None, probabilities=None, sums=None */
KERNEL(log_softmax)
{
    Array scores, logs, out;
    PyObject *wanted = count > 1 ? args[1] : Py_None;
    if (names || count < 1 || count > 4 || !take_scores(args[0], &scores) || !take_optional(wanted, &scores, &logs)
        || !take_optional(count > 2 ? args[2] : Py_None, &scores, &out)
        || (out.data && (!apart(&out, &scores) || (logs.data && !apart(&out, &logs)))))
        HAND_OVER;
    PyObject *result = given_or_new(wanted, scores.dimensions, scores.shape, scores.is_double, &logs);
    if (!result)
        return NULL;
    Rows rows = {.scores = scores.data, .out = out.data, .logs = logs.data, .classes = row_length(&scores)};
    run_loop(PICK(log_softmax, scores.is_double), &rows, scores.size / rows.classes, grain_of(rows.classes));
    return result;
}

/* Both gradients; only where `in_place` may `out` be the array of `y`. */
static PyObject *backward(PyObject *numpy_way, PyObject *const *args, Py_ssize_t count, PyObject *names,
                          Loop *const loops[2], int in_place)
{
    Array dy, y, out;
    if (names || count != 4 || !take_scores(args[0], &dy) || !take_like(&dy, args[1], READ, &y)
        || !take_like(&dy, args[2], WRITE, &out) || !apart(&dy, &out)
        || !(in_place ? apart_or_same(&y, &out) : apart(&y, &out)))
        HAND_OVER;
    Rows rows = {.scores = dy.data, .other = y.data, .out = out.data, .classes = row_length(&dy)};
    run_loop(loops[dy.is_double], &rows, dy.size / rows.classes, grain_of(rows.classes) * 4);
    Py_INCREF(args[2]);
    return args[2];
}

/* dy, y, out, sums */
KERNEL(softmax_backward)
{
    return backward(numpy_way, args, count, names, softmax_backward_loops[level], 0);
}

/* dy, probabilities, out, sums */
KERNEL(log_softmax_backward)
{
    return backward(numpy_way, args, count, names, log_softmax_backward_loops[level], 1);
}

PyMethodDef softmax_kernels[] = {
    ENTRY(softmax), ENTRY(softmax_backward), ENTRY(log_softmax), ENTRY(log_softmax_backward), {NULL},
};

#else

#include "exponentials.h"
#include "sums.h"

/* By the sum's reciprocal: a product takes far less time than a division. The sum is at least 1, or NaN. */
static inline void LOOP(divide)(REAL *exps, ptrdiff_t classes, REAL sum)
{
    const REAL scale = 1 / sum;
    for (ptrdiff_t j = 0; j < classes; j++)
        exps[j] *= scale;
}

static void LOOP(softmax)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Rows *all = context;
    const ptrdiff_t classes = all->classes;
    REAL largest[STRIP], sums[STRIP];
    for (ptrdiff_t strip = first; strip < end; strip += STRIP) {
        const ptrdiff_t rows = LOOP(end_of_strip)(strip, end) - strip;
        REAL *out = (REAL *)all->out + strip * classes;
        LOOP(exps_of_rows)((const REAL *)all->scores + strip * classes, out, rows, classes, largest, sums, NULL);
        for (ptrdiff_t i = 0; i < rows; i++, out += classes)
            LOOP(divide)(out, classes, sums[i]);
    }
}

static void LOOP(log_softmax)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Rows *all = context;
    const ptrdiff_t classes = all->classes;
    REAL largest[STRIP], sums[STRIP], sum_logs[STRIP];
    for (ptrdiff_t strip = first; strip < end; strip += STRIP) {
        const ptrdiff_t rows = LOOP(end_of_strip)(strip, end) - strip;
        const REAL *scores = (const REAL *)all->scores + strip * classes;
        REAL *logs = (REAL *)all->logs + strip * classes, *out = all->out ? (REAL *)all->out + strip * classes : NULL;
        LOOP(exps_of_rows)(scores, out, rows, classes, largest, sums, sum_logs);
        for (ptrdiff_t i = 0; i < rows; i++)
            for (ptrdiff_t j = i * classes; j < (i + 1) * classes; j++)
                logs[j] = scores[j] - largest[i] - sum_logs[i];
        for (ptrdiff_t i = 0; out && i < rows; i++)
            LOOP(divide)(out + i * classes, classes, sums[i]);
    }
}

ROW_SUMS(add_numbers, NUMBERS)
ROW_SUMS(add_products, PRODUCTS)

static void LOOP(softmax_backward)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Rows *all = context;
    const ptrdiff_t classes = all->classes;
    for (ptrdiff_t i = first; i < end; i++) {
        const REAL *dy = (const REAL *)all->scores + i * classes, *y = (const REAL *)all->other + i * classes;
        REAL *out = (REAL *)all->out + i * classes;
        double sum = 0;
        LOOP(add_products)(dy, y, 0, 0, 1, 0, classes, &sum);
        for (ptrdiff_t j = 0; j < classes; j++)
            out[j] = (dy[j] - (REAL)sum) * y[j];
    }
}

static void LOOP(log_softmax_backward)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Rows *all = context;
    const ptrdiff_t classes = all->classes;
    for (ptrdiff_t i = first; i < end; i++) {
        const REAL *dy = (const REAL *)all->scores + i * classes, *y = (const REAL *)all->other + i * classes;
        REAL *out = (REAL *)all->out + i * classes;
        double sum = 0;
        LOOP(add_numbers)(dy, dy, 0, 0, 1, 0, classes, &sum);
        for (ptrdiff_t j = 0; j < classes; j++)
            out[j] = dy[j] - y[j] * (REAL)sum;
    }
}

#endif
