/* What penalties and optimizers do with the vectors: see kernels/vectors.py. */
#ifndef LOOPS_ONLY
#include "arrays.h"

typedef struct {
    void *values, *gradients, *velocity;
    double lr, momentum;
} Update;

#define FAMILY "vectors.c"
#include "levels.h"

enum { GRAIN = 1 << 15 };

LOOPS(sgd_update);

/* values, gradients, lr */
KERNEL(sgd_update)
{
    Array values, gradients;
    Update update;
    if (names || count != 3 || !take_real(args[0], WRITE, &values) || !take_like(&values, args[1], READ, &gradients)
        || !take_number(args[2], &update.lr) || !apart_or_same(&values, &gradients))
        HAND_OVER;
    update.values = values.data;
    update.gradients = gradients.data;
    run_loop(PICK(sgd_update, values.is_double), &update, values.size, GRAIN);
    Py_RETURN_NONE;
}

PyMethodDef vectors_kernels[] = {ENTRY(sgd_update), {NULL}};

#else

static void LOOP(sgd_update)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Update *update = context;
    REAL *values = update->values;
    const REAL *gradients = update->gradients;
    const REAL lr = (REAL)update->lr;
    for (ptrdiff_t i = first; i < end; i++)
        values[i] -= lr * gradients[i];
}

#endif
