/* What penalties and optimizers do with the vectors: see kernels/vectors.py. */
#ifndef LOOPS_ONLY
#include "arrays.h"

#include <math.h>

enum {
    GRAIN = 1 << 15,  /* numbers of a part */
    CHUNK = 1 << 12,  /* squares that are added up in their own dtype: so few lose no digits */
    MOST_BLOCKS = 64, /* sums of a vector that are kept apart, so that threads add up none together */
};

/* A step of an optimizer, or of a mean that follows the values. */
typedef struct {
    void *values, *gradients, *velocity;
    double rate, momentum;
} Update;

/* The sums of blocks of so many numbers, which depends on the vectors' size and not on the threads. */
typedef struct {
    const void *values;
    void *gradients;
    double factor;
    ptrdiff_t block;
    double of_values[MOST_BLOCKS], of_gradients[MOST_BLOCKS];
} Squares;

#define FAMILY "vectors.c"
#include "levels.h"

LOOPS(sgd_update);
LOOPS(momentum_update);
LOOPS(nesterov_update);
LOOPS(mean_update);
LOOPS(sum_of_squares);
LOOPS(add_l2_gradient);

/* values, gradients, lr */
KERNEL(sgd_update)
{
    Array values, gradients;
    Update update;
    if (names || count != 3 || !take_real(args[0], WRITE, &values) || !take_like(&values, args[1], READ, &gradients)
        || !take_number(args[2], &update.rate) || !apart_or_same(&values, &gradients))
        HAND_OVER;
    update.values = values.data;
    update.gradients = gradients.data;
    run_loop(PICK(sgd_update, values.is_double), &update, values.size, GRAIN);
    RETURN_NONE;
}

/* Both kinds of momentum: values, gradients, velocity, lr, momentum */
static PyObject *run_momentum(PyObject *numpy_way, PyObject *const *args, Py_ssize_t count, PyObject *names,
                              Loop *const loops[2])
{
    Array values, gradients, velocity;
    Update update;
    if (names || count != 5 || !take_real(args[0], WRITE, &values) || !take_like(&values, args[1], READ, &gradients)
        || !take_like(&values, args[2], WRITE, &velocity) || !take_number(args[3], &update.rate)
        || !take_number(args[4], &update.momentum) || !isfinite(update.rate) || !isfinite(update.momentum)
        || !apart(&values, &gradients) || !apart(&values, &velocity) || !apart(&gradients, &velocity))
        HAND_OVER;
    update.values = values.data;
    update.gradients = gradients.data;
    update.velocity = velocity.data;
    run_loop(loops[values.is_double], &update, values.size, GRAIN);
    RETURN_NONE;
}

KERNEL(momentum_update)
{
    return run_momentum(numpy_way, args, count, names, momentum_update_loops[level]);
}

KERNEL(nesterov_update)
{
    return run_momentum(numpy_way, args, count, names, nesterov_update_loops[level]);
}

/* mean, values, share */
KERNEL(mean_update)
{
    Array mean, values;
    Update update;
    if (names || count != 3 || !take_real(args[0], WRITE, &mean) || !take_like(&mean, args[1], READ, &values)
        || !take_number(args[2], &update.rate) || !apart(&mean, &values))
        HAND_OVER;
    update.velocity = mean.data;
    update.values = values.data;
    run_loop(PICK(mean_update, mean.is_double), &update, mean.size, GRAIN);
    RETURN_NONE;
}

static void run_squares(Loop *loop, Squares *squares, ptrdiff_t size)
{
    ptrdiff_t block = squares->block = (size / MOST_BLOCKS / CHUNK + 1) * CHUNK;
    run_loop(loop, squares, size, (GRAIN + block - 1) / block * block);
}

/* All blocks in their order. */
static double add_up(const double *sums, const Squares *squares, ptrdiff_t size)
{
    double sum = 0;
    for (ptrdiff_t i = 0; i * squares->block < size; i++)
        sum += sums[i];
    return sum;
}

/* x */
KERNEL(sum_of_squares)
{
    Array x;
    Squares squares;
    if (names || count != 1 || !take_real(args[0], READ, &x) || x.dimensions != 1)
        HAND_OVER;
    squares.values = x.data;
    run_squares(PICK(sum_of_squares, x.is_double), &squares, x.size);
    return PyFloat_FromDouble(add_up(squares.of_values, &squares, x.size));
}

/* values, gradients, strength */
KERNEL(add_l2_gradient)
{
    Array values, gradients;
    Squares squares;
    if (names || count != 3 || !take_real(args[0], READ, &values) || values.dimensions != 1
        || !take_like(&values, args[1], WRITE, &gradients) || !take_number(args[2], &squares.factor)
        || !apart(&values, &gradients))
        HAND_OVER;
    squares.values = values.data;
    squares.gradients = gradients.data;
    squares.factor *= 2;
    run_squares(PICK(add_l2_gradient, values.is_double), &squares, values.size);
    return Py_BuildValue("dd", add_up(squares.of_values, &squares, values.size),
                         add_up(squares.of_gradients, &squares, values.size));
}

PyMethodDef vectors_kernels[] = {
    ENTRY(sgd_update),     ENTRY(momentum_update), ENTRY(nesterov_update), ENTRY(mean_update),
    ENTRY(sum_of_squares), ENTRY(add_l2_gradient), {NULL},
};

#else

static void LOOP(sgd_update)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Update *update = context;
    REAL *values = update->values;
    const REAL *gradients = update->gradients;
    const REAL lr = (REAL)update->rate;
    for (ptrdiff_t i = first; i < end; i++)
        values[i] -= lr * gradients[i];
}

static void LOOP(momentum_update)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Update *update = context;
    REAL *restrict values = update->values, *restrict velocity = update->velocity;
    const REAL *restrict gradients = update->gradients;
    const REAL lr = (REAL)update->rate, momentum = (REAL)update->momentum;
    for (ptrdiff_t i = first; i < end; i++) {
        REAL v = velocity[i] = momentum * velocity[i] + gradients[i];
        values[i] -= lr * v;
    }
}

static void LOOP(nesterov_update)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Update *update = context;
    REAL *restrict values = update->values, *restrict velocity = update->velocity;
    const REAL *restrict gradients = update->gradients;
    const REAL lr = (REAL)update->rate, momentum = (REAL)update->momentum;
    for (ptrdiff_t i = first; i < end; i++) {
        REAL g = gradients[i], v = velocity[i] = momentum * velocity[i] + g;
        values[i] -= lr * (g + momentum * v);
    }
}

static void LOOP(mean_update)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Update *update = context;
    REAL *restrict mean = update->velocity;
    const REAL *restrict values = update->values;
    const REAL share = (REAL)update->rate;
    for (ptrdiff_t i = first; i < end; i++)
        mean[i] += share * (values[i] - mean[i]);
}

/* Lanes that are enough to fill the registers while an addition takes its time. */
#define SUMS (2 * LANES)

/* Add the lanes of the chunk that begins at `start` to the sum of its block. */
static inline void LOOP(add_chunk)(REAL *lanes, const Squares *squares, ptrdiff_t start, double *sums)
{
    for (int half = SUMS / 2; half; half /= 2)
        for (int i = 0; i < half; i++)
            lanes[i] += lanes[half + i];
    double *sum = sums + start / squares->block;
    *sum = start % squares->block ? *sum + lanes[0] : lanes[0];
}

static void LOOP(sum_of_squares)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    Squares *squares = context;
    for (ptrdiff_t start = first, stop; start < end; start = stop) {
        stop = end - start < CHUNK ? end : start + CHUNK;
        const REAL *x = (const REAL *)squares->values + start;
        REAL sums[SUMS] = {0};
        ptrdiff_t size = stop - start, i = 0;
        for (; i + SUMS <= size; i += SUMS)
            for (int j = 0; j < SUMS; j++)
                sums[j] += x[i + j] * x[i + j];
        for (int j = 0; i + j < size; j++)
            sums[j] += x[i + j] * x[i + j];
        LOOP(add_chunk)(sums, squares, start, squares->of_values);
    }
}

static void LOOP(add_l2_gradient)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    Squares *squares = context;
    const REAL factor = (REAL)squares->factor;
    for (ptrdiff_t start = first, stop; start < end; start = stop) {
        stop = end - start < CHUNK ? end : start + CHUNK;
        const REAL *restrict values = (const REAL *)squares->values + start;
        REAL *restrict gradients = (REAL *)squares->gradients + start;
        REAL of_values[SUMS] = {0}, of_gradients[SUMS] = {0};
        ptrdiff_t size = stop - start, i = 0;
        for (; i + SUMS <= size; i += SUMS)
            for (int j = 0; j < SUMS; j++) {
                REAL w = values[i + j], g = gradients[i + j] += factor * w;
                of_values[j] += w * w;
                of_gradients[j] += g * g;
            }
        for (int j = 0; i + j < size; j++) {
            REAL w = values[i + j], g = gradients[i + j] += factor * w;
            of_values[j] += w * w;
            of_gradients[j] += g * g;
        }
        LOOP(add_chunk)(of_values, squares, start, squares->of_values);
        LOOP(add_chunk)(of_gradients, squares, start, squares->of_gradients);
    }
}

#undef SUMS

#endif
