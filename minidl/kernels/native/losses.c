/* The losses of single scores, and the hinge of labels: see kernels/losses.py. */
#ifndef LOOPS_ONLY
#include "indices.h"

enum {
    GRAIN = 1 << 14, /* numbers of a part */
    CHUNK = 256,     /* numbers whose targets are converted at once */
};

/* A walk over scores and what belongs to each: the type of the targets is NumPy's. */
typedef struct {
    const void *scores, *targets;
    double *losses;
    void *slopes;
    int type;
    double delta;
} Pass;

/* A walk over the rows of scores, each with a label. */
typedef struct {
    const void *scores;
    const npy_intp *labels;
    void *losses, *gradient;
    ptrdiff_t classes;
    double margin;
} Hinge;

#define FAMILY "losses.c"
#include "levels.h"

LOOPS(squared_error);
LOOPS(absolute_error);
LOOPS(huber);
LOOPS(binary_cross_entropy);
LOOPS(multiclass_hinge);

/* Take scores, targets, losses and slopes, and delta where there is one. */
static PyObject *run_pass(PyObject *numpy_way, PyObject *const *args, Py_ssize_t count, PyObject *names,
                          Loop *const loops[2], int has_delta)
{
    Array scores, targets, losses, slopes;
    Pass pass = {.delta = 0};
    if (names || count != 4 + has_delta || !take_real(args[0], READ, &scores)
        || !take_like(&scores, args[3], WRITE, &slopes) || !PyArray_CheckExact(args[1]))
        HAND_OVER;
    pass.type = PyArray_TYPE((PyArrayObject *)args[1]);
    if ((pass.type != NPY_FLOAT && pass.type != NPY_DOUBLE && pass.type != NPY_INTP && pass.type != NPY_BOOL
         && pass.type != NPY_UBYTE)
        || !is_plain(args[1], pass.type, READ) || !is_plain(args[2], NPY_DOUBLE, WRITE))
        HAND_OVER;
    look(args[1], &targets);
    look(args[2], &losses);
    if (!is_shaped_like(&targets, &scores) || !is_shaped_like(&losses, &scores) || !apart(&losses, &scores)
        || !apart(&losses, &targets) || !apart(&losses, &slopes) || !apart(&slopes, &scores)
        || !apart(&slopes, &targets) || (has_delta && !take_number(args[4], &pass.delta))
        || !(pass.delta >= 0))
        HAND_OVER;
    pass.scores = scores.data;
    pass.targets = targets.data;
    pass.losses = losses.data;
    pass.slopes = slopes.data;
    run_loop(loops[scores.is_double], &pass, scores.size, GRAIN);
    RETURN_NONE;
}

/* scores, targets, losses, slopes */
KERNEL(squared_error)
{
    return run_pass(numpy_way, args, count, names, squared_error_loops[level], 0);
}

/* scores, targets, losses, slopes */
KERNEL(absolute_error)
{
    return run_pass(numpy_way, args, count, names, absolute_error_loops[level], 0);
}

/* scores, targets, losses, slopes, delta */
KERNEL(huber)
{
    return run_pass(numpy_way, args, count, names, huber_loops[level], 1);
}

/* scores, targets, losses, slopes */
KERNEL(binary_cross_entropy)
{
    return run_pass(numpy_way, args, count, names, binary_cross_entropy_loops[level], 0);
}

/* scores, labels, margin, out */
KERNEL(multiclass_hinge)
{
    Array scores, labels, out;
    Hinge hinge;
    if (names || count != 4 || !take_real(args[0], READ, &scores) || scores.dimensions != 2 || !scores.size
        || !take_indices(args[1], scores.shape[1], &labels) || labels.dimensions != 1
        || labels.size != scores.shape[0] || !take_number(args[2], &hinge.margin)
        || !take_like(&scores, args[3], WRITE, &out) || !apart(&scores, &out) || !apart(&labels, &out))
        HAND_OVER;
    PyObject *losses = new_array(1, labels.shape, scores.is_double);
    if (!losses)
        return NULL;
    hinge.scores = scores.data;
    hinge.labels = labels.data;
    hinge.losses = PyArray_DATA((PyArrayObject *)losses);
    hinge.gradient = out.data;
    hinge.classes = scores.shape[1];
    run_loop(PICK(multiclass_hinge, scores.is_double), &hinge, labels.size, GRAIN / hinge.classes + 1);
    return Py_BuildValue("NO", losses, args[3]);
}

PyMethodDef losses_kernels[] = {
    ENTRY(squared_error),        ENTRY(absolute_error),   ENTRY(huber),
    ENTRY(binary_cross_entropy), ENTRY(multiclass_hinge), {NULL},
};

#else
#include "functions.h"

/* Targets from `first` on, as doubles: so the difference from a score is rounded once. */
static void LOOP(read_targets)(const Pass *pass, ptrdiff_t first, ptrdiff_t count, double *restrict targets)
{
    const void *from = pass->targets;
    if (pass->type == NPY_FLOAT)
        for (ptrdiff_t i = 0; i < count; i++)
            targets[i] = (double)((const float *)from)[first + i];
    else if (pass->type == NPY_DOUBLE)
        for (ptrdiff_t i = 0; i < count; i++)
            targets[i] = ((const double *)from)[first + i];
    else if (pass->type == NPY_INTP)
        for (ptrdiff_t i = 0; i < count; i++)
            targets[i] = (double)((const npy_intp *)from)[first + i];
    else
        for (ptrdiff_t i = 0; i < count; i++)
            targets[i] = ((const npy_ubyte *)from)[first + i];
}

/* The loop over all numbers: `body` sees `score`, `target`, their difference `error`, `losses[i]` and `slopes[i]`. */
#define EACH_NUMBER(name, body)                                                    \
    static void LOOP(name)(void *context, ptrdiff_t first, ptrdiff_t end)          \
    {                                                                              \
        const Pass *pass = context;                                                \
        const REAL delta = (REAL)pass->delta;                                      \
        double targets[CHUNK];                                                     \
        (void)delta;                                                               \
        for (ptrdiff_t chunk = first; chunk < end; chunk += CHUNK) {               \
            const ptrdiff_t count = end - chunk < CHUNK ? end - chunk : CHUNK;     \
            const REAL *scores = (const REAL *)pass->scores + chunk;               \
            REAL *restrict slopes = (REAL *)pass->slopes + chunk;                  \
            double *restrict losses = pass->losses + chunk;                        \
            LOOP(read_targets)(pass, chunk, count, targets);                       \
            for (ptrdiff_t i = 0; i < count; i++) {                                \
                const REAL score = scores[i];                                      \
                const double target = targets[i];                                  \
                const REAL error = (REAL)((double)score - target);                 \
                (void)error;                                                       \
                body                                                               \
            }                                                                      \
        }                                                                          \
    }

EACH_NUMBER(squared_error, {
    losses[i] = (double)error * (double)error;
    slopes[i] = error + error;
})

EACH_NUMBER(absolute_error, {
    losses[i] = (double)(error < 0 ? -error : error == 0 ? 0 : error);
    slopes[i] = error > 0 ? 1 : error < 0 ? -1 : error; /* 0 and NaN are their own signs */
})

EACH_NUMBER(huber, {
    const REAL slope = error > delta ? delta : error < -delta ? -delta : error;
    losses[i] = ((double)error + (double)error - (double)slope) * (double)slope * 0.5;
    slopes[i] = slope;
})

/* The loss is log(1 + exp(-|score|)) - min(score, 0) + score * (1 - target): no exponent is above 0. */
EACH_NUMBER(binary_cross_entropy, {
    const REAL below = score < 0 ? score : -score;
    const REAL least = score > 0 ? 0 : score;
    const REAL rest = (REAL)(1 - target) * score;
    losses[i] = (double)LOOP(log1p)(LOOP(exp)(below)) - (double)least + (double)rest;
    slopes[i] = (LOOP(tanh)(score * (REAL)0.5) + 1) * (REAL)0.5 - (REAL)target;
})

static void LOOP(multiclass_hinge)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Hinge *hinge = context;
    const ptrdiff_t classes = hinge->classes;
    for (ptrdiff_t i = first; i < end; i++) {
        const REAL *row = (const REAL *)hinge->scores + i * classes;
        REAL *restrict slopes = (REAL *)hinge->gradient + i * classes;
        const REAL own = row[hinge->labels[i]], bound = own - (REAL)hinge->margin;
        REAL loss = 0, missed = 0;
        for (ptrdiff_t j = 0; j < classes; j++)
            slopes[j] = row[j] - bound;
        slopes[hinge->labels[i]] = own - own; /* 0, but for NaN */
        for (ptrdiff_t j = 0; j < classes; j++) {
            loss += slopes[j] <= 0 ? 0 : slopes[j];
            slopes[j] = slopes[j] > 0 ? 1 : slopes[j] <= 0 ? 0 : slopes[j];
            missed += slopes[j];
        }
        slopes[hinge->labels[i]] = -missed;
        ((REAL *)hinge->losses)[i] = loss;
    }
}

#endif
