/* What penalties and optimizers do with the vectors: see kernels/vectors.py. */
#ifndef LOOPS_ONLY
#include "arrays.h"

#include <math.h>

#include "registers.h"

enum {
    GRAIN = 1 << 15,  /* numbers of a part */
    CHUNK = 1 << 12,  /* squares that are added up in their own dtype: so few lose no digits */
    MOST_BLOCKS = 64, /* sums of a vector that are kept apart, so that threads add up none together */
    MOST_EXTENTS = 64,
};

/* A step of an optimizer, or of a mean that follows the values. */
typedef struct {
    void *values, *gradients, *velocity;
    double rate, momentum;
} Update;

/* The sums of blocks of so many numbers, which depends on the vectors' size and not on the threads. They are computed
 * from the last block on, for the cache still has the end of what another loop has just written. */
typedef struct {
    const void *values;
    void *gradients;
    double factor;
    ptrdiff_t size, block, blocks;
    double of_values[MOST_BLOCKS], of_gradients[MOST_BLOCKS];
} Squares;

/* A part of a vector. */
typedef struct {
    Py_ssize_t start, end;
} Extent;

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
    squares->size = size;
    squares->block = (size / MOST_BLOCKS / CHUNK + 1) * CHUNK;
    squares->blocks = divide_up(size, squares->block);
    run_loop_from_end(loop, squares, squares->blocks, divide_up(GRAIN, squares->block));
}

/* All blocks in their order. */
static double add_up(const double *sums, const Squares *squares)
{
    double sum = 0;
    for (ptrdiff_t i = 0; i < squares->blocks; i++)
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
    return PyFloat_FromDouble(add_up(squares.of_values, &squares));
}

/* Take a tuple of slices that follow each other; -1 for all else, or how many there are. */
static Py_ssize_t take_extents(PyObject *object, Extent *extents)
{
    Py_ssize_t count = PyTuple_Check(object) ? PyTuple_Size(object) : -1, end = 0;
    if (count > MOST_EXTENTS)
        return -1;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *slice = PyTuple_GetItem(object, i);
        Py_ssize_t step;
        if (!PySlice_Check(slice))
            return -1;
        if (PySlice_Unpack(slice, &extents[i].start, &extents[i].end, &step) < 0) {
            PyErr_Clear(); /* which NumPy will raise anew */
            return -1;
        }
        if (step != 1 || extents[i].start < end || extents[i].end < extents[i].start)
            return -1;
        end = extents[i].end;
    }
    return count;
}

/* values, gradients, parts, strength */
KERNEL(add_l2_gradient)
{
    Array values, gradients;
    Extent extents[MOST_EXTENTS];
    double strength, of_values = 0, of_gradients = 0;
    Py_ssize_t parts = names || count != 4 ? -1 : take_extents(args[2], extents);
    /* Only then the arrays, for a slice may run code of its own. */
    if (parts < 0 || !take_real(args[0], READ, &values) || values.dimensions != 1
        || !take_like(&values, args[1], WRITE, &gradients) || !take_number(args[3], &strength)
        || !apart(&values, &gradients) || (parts && extents[parts - 1].end > values.size))
        HAND_OVER;
    const ptrdiff_t item = values.is_double ? sizeof(double) : sizeof(float);
    ptrdiff_t end = values.size;
    Squares squares;
    squares.factor = 2 * strength;
    for (Py_ssize_t i = parts; i >= 0; i--) { /* each part, and what lies behind it, from the last on */
        const Extent extent = i ? extents[i - 1] : (Extent){0, 0};
        squares.values = (char *)gradients.data + extent.end * item;
        run_squares(PICK(sum_of_squares, values.is_double), &squares, end - extent.end);
        of_gradients += add_up(squares.of_values, &squares);
        squares.values = (char *)values.data + extent.start * item;
        squares.gradients = (char *)gradients.data + extent.start * item;
        run_squares(PICK(add_l2_gradient, values.is_double), &squares, extent.end - extent.start);
        of_values += add_up(squares.of_values, &squares);
        of_gradients += add_up(squares.of_gradients, &squares);
        end = extent.start;
    }
    return Py_BuildValue("dd", of_values, of_gradients);
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

static inline REAL LOOP(sum_of_lanes)(REAL *lanes)
{
    for (int half = SUMS / 2; half; half /= 2)
        for (int i = 0; i < half; i++)
            lanes[i] += lanes[half + i];
    return lanes[0];
}

/* Add the squares of so many whole vectors to the lanes. */
static NOT_INLINE void LOOP(square)(const REAL *x, ptrdiff_t times, REAL *restrict lanes)
{
    REAL squares[SUMS];
    FOR_VECTORS(j, SUMS)
        squares[j] = 0;
    do { /* at least once, without which GCC would keep the sums in memory */
        FOR_VECTORS(j, SUMS)
            squares[j] += x[j] * x[j];
        x += SUMS;
    } while (--times);
    FOR_VECTORS(j, SUMS)
        lanes[j] += squares[j];
}

static void LOOP(sum_of_squares)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    Squares *squares = context;
    for (ptrdiff_t block = end - 1; block >= first; block--) {
        const ptrdiff_t stop = least_of((block + 1) * squares->block, squares->size);
        double sum = 0;
        for (ptrdiff_t start = block * squares->block; start < stop; start += CHUNK) {
            const REAL *x = (const REAL *)squares->values + start;
            REAL sums[SUMS] = {0};
            const ptrdiff_t size = least_of(CHUNK, stop - start), whole = size / SUMS * SUMS;
            if (whole)
                LOOP(square)(x, whole / SUMS, sums);
            for (ptrdiff_t i = whole; i < size; i++)
                sums[i - whole] += x[i] * x[i];
            sum += LOOP(sum_of_lanes)(sums);
        }
        squares->of_values[block] = sum;
    }
}

/* Add `factor` times the values to so many whole vectors of gradients, and the squares of both to the lanes. */
static NOT_INLINE void LOOP(add_and_square)(const REAL *restrict values, REAL *restrict gradients, ptrdiff_t times,
                                            REAL factor, REAL *restrict of_values, REAL *restrict of_gradients)
{
    REAL squares_of_values[SUMS], squares_of_gradients[SUMS];
    FOR_VECTORS(j, SUMS)
        squares_of_values[j] = squares_of_gradients[j] = 0;
    do {
        FOR_VECTORS(j, SUMS) {
            const REAL w = values[j], g = gradients[j] + factor * w;
            gradients[j] = g;
            squares_of_values[j] += w * w;
            squares_of_gradients[j] += g * g;
        }
        values += SUMS;
        gradients += SUMS;
    } while (--times);
    FOR_VECTORS(j, SUMS) {
        of_values[j] += squares_of_values[j];
        of_gradients[j] += squares_of_gradients[j];
    }
}

static void LOOP(add_l2_gradient)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    Squares *squares = context;
    const REAL factor = (REAL)squares->factor;
    for (ptrdiff_t block = end - 1; block >= first; block--) {
        const ptrdiff_t stop = least_of((block + 1) * squares->block, squares->size);
        double sum_of_values = 0, sum_of_gradients = 0;
        for (ptrdiff_t start = block * squares->block; start < stop; start += CHUNK) {
            const REAL *values = (const REAL *)squares->values + start;
            REAL *gradients = (REAL *)squares->gradients + start;
            REAL of_values[SUMS] = {0}, of_gradients[SUMS] = {0};
            const ptrdiff_t size = least_of(CHUNK, stop - start), whole = size / SUMS * SUMS;
            if (whole)
                LOOP(add_and_square)(values, gradients, whole / SUMS, factor, of_values, of_gradients);
            for (ptrdiff_t i = whole; i < size; i++) {
                const REAL w = values[i], g = gradients[i] += factor * w;
                of_values[i - whole] += w * w;
                of_gradients[i - whole] += g * g;
            }
            sum_of_values += LOOP(sum_of_lanes)(of_values);
            sum_of_gradients += LOOP(sum_of_lanes)(of_gradients);
        }
        squares->of_values[block] = sum_of_values;
        squares->of_gradients[block] = sum_of_gradients;
    }
}

#undef SUMS

#endif
