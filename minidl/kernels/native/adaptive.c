/* What the optimizers do that scale each number's step by its gradients so far: see kernels/adaptive.py. */
#ifndef LOOPS_ONLY
#include "arrays.h"

#include <math.h>

enum { GRAIN = 1 << 14 };

/* A step; `state` is what the optimizer keeps: Adam's two means, or the square and the velocity. */
typedef struct {
    void *values, *gradients, *state[2];
    double rate, eps, kept[2], new[2], shrinking, initial;
} Update;

#define FAMILY "adaptive.c"
#include "levels.h"

LOOPS(adam_update);
LOOPS(rmsprop_update);
LOOPS(adagrad_update);

/* Take values, gradients and so many vectors of state, none of which shares memory with another. */
static int take_vectors(PyObject *const *args, int states, Array *values, Update *update)
{
    Array vectors[4];
    if (!take_real(args[0], WRITE, &vectors[0]))
        return 0;
    for (int i = 1; i < 2 + states; i++) {
        if (!take_like(&vectors[0], args[i], i == 1 ? READ : WRITE, &vectors[i]))
            return 0;
        for (int j = 0; j < i; j++)
            if (!apart(&vectors[i], &vectors[j]))
                return 0;
    }
    *values = vectors[0];
    update->values = vectors[0].data;
    update->gradients = vectors[1].data;
    for (int i = 0; i < 2; i++)
        update->state[i] = i < states ? vectors[2 + i].data : NULL;
    return 1;
}

/* values, gradients, first, second, lr, (beta1, beta2), eps, step, decay or 0 */
KERNEL(adam_update)
{
    Array values;
    Update update;
    double lr, eps, step, decay = 0;
    double *beta = update.kept;
    if (names || (count != 8 && count != 9) || !take_vectors(args, 2, &values, &update) || !take_number(args[4], &lr)
        || !PyTuple_Check(args[5]) || PyTuple_Size(args[5]) != 2
        || !take_number(PyTuple_GetItem(args[5], 0), &beta[0]) || !take_number(PyTuple_GetItem(args[5], 1), &beta[1])
        || !take_number(args[6], &eps) || !take_number(args[7], &step) || (count == 9 && !take_number(args[8], &decay))
        || !(step >= 1 && 0 <= beta[0] && beta[0] < 1 && 0 <= beta[1] && beta[1] < 1))
        HAND_OVER;
    double root = sqrt(1 - pow(beta[1], step));
    update.rate = lr * root / (1 - pow(beta[0], step));
    update.eps = eps * root;
    update.new[0] = 1 - beta[0];
    update.new[1] = 1 - beta[1];
    update.shrinking = decay != 0 ? 1 - lr * decay : 1; /* for a rate that is infinite, too */
    run_loop(PICK(adam_update, values.is_double), &update, values.size, GRAIN);
    RETURN_NONE;
}

/* values, gradients, square, velocity or None, lr, alpha, eps, momentum */
KERNEL(rmsprop_update)
{
    Array values;
    Update update;
    if (names || count != 8 || !take_vectors(args, args[3] == Py_None ? 1 : 2, &values, &update)
        || !take_number(args[4], &update.rate) || !take_number(args[5], &update.kept[0])
        || !take_number(args[6], &update.eps) || !take_number(args[7], &update.kept[1]))
        HAND_OVER;
    update.new[0] = 1 - update.kept[0];
    run_loop(PICK(rmsprop_update, values.is_double), &update, values.size, GRAIN);
    RETURN_NONE;
}

/* values, gradients, total, lr, eps, initial or 0 */
KERNEL(adagrad_update)
{
    Array values;
    Update update;
    update.initial = 0;
    if (names || (count != 5 && count != 6) || !take_vectors(args, 1, &values, &update)
        || !take_number(args[3], &update.rate) || !take_number(args[4], &update.eps)
        || (count == 6 && !take_number(args[5], &update.initial)))
        HAND_OVER;
    run_loop(PICK(adagrad_update, values.is_double), &update, values.size, GRAIN);
    RETURN_NONE;
}

PyMethodDef adaptive_kernels[] = {ENTRY(adam_update), ENTRY(rmsprop_update), ENTRY(adagrad_update), {NULL}};

#else

#if IS_DOUBLE
#define ROOT sqrt
#else
#define ROOT sqrtf
#endif

static void LOOP(adam_update)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Update *update = context;
    REAL *restrict values = update->values, *restrict mean = update->state[0], *restrict square = update->state[1];
    const REAL *restrict gradients = update->gradients;
    const REAL kept_mean = (REAL)update->kept[0], new_mean = (REAL)update->new[0];
    const REAL kept_square = (REAL)update->kept[1], new_square = (REAL)update->new[1];
    const REAL rate = (REAL)update->rate, eps = (REAL)update->eps, shrinking = (REAL)update->shrinking;
    for (ptrdiff_t i = first; i < end; i++) {
        REAL g = gradients[i];
        REAL m = mean[i] = new_mean * g + kept_mean * mean[i];
        REAL v = square[i] = new_square * (g * g) + kept_square * square[i];
        values[i] = shrinking * values[i] - rate * (m / (ROOT(v) + eps));
    }
}

static void LOOP(rmsprop_update)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Update *update = context;
    REAL *restrict values = update->values, *restrict square = update->state[0], *restrict velocity = update->state[1];
    const REAL *restrict gradients = update->gradients;
    const REAL kept = (REAL)update->kept[0], new = (REAL)update->new[0], momentum = (REAL)update->kept[1];
    const REAL rate = (REAL)update->rate, eps = (REAL)update->eps;
    if (velocity)
        for (ptrdiff_t i = first; i < end; i++) {
            REAL g = gradients[i], v = square[i] = new * (g * g) + kept * square[i];
            REAL u = velocity[i] = momentum * velocity[i] + g / (ROOT(v) + eps);
            values[i] -= rate * u;
        }
    else
        for (ptrdiff_t i = first; i < end; i++) {
            REAL g = gradients[i], v = square[i] = new * (g * g) + kept * square[i];
            values[i] -= rate * (g / (ROOT(v) + eps));
        }
}

static void LOOP(adagrad_update)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Update *update = context;
    REAL *restrict values = update->values, *restrict total = update->state[0];
    const REAL *restrict gradients = update->gradients;
    const REAL rate = (REAL)update->rate, eps = (REAL)update->eps, initial = (REAL)update->initial;
    for (ptrdiff_t i = first; i < end; i++) {
        REAL g = gradients[i], t = total[i] += g * g;
        values[i] -= rate * (g / (ROOT(t + initial) + eps));
    }
}

#undef ROOT

#endif
