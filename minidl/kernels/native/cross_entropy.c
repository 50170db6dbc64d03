/* The losses of labels, the labels of scores, and how many are right: see kernels/cross_entropy.py. */
#ifndef LOOPS_ONLY
#include "indices.h"

#include "exponentials.h"

enum { MOST_BLOCKS = 256 }; /* of rows whose losses are added up on their own */

/* A walk over the rows of `scores`, of `classes` numbers each. A row's loss counts `share`, times its own of `shares`
 * where there are some; the losses of each `block` of rows are added up in one of `losses`. */
typedef struct {
    const void *scores;
    const npy_intp *labels;
    void *out;
    ptrdiff_t classes, block;
    const double *shares, *of_classes;
    double share, smoothing, spread, *losses;
} Rows;

#define FAMILY "cross_entropy.c"
#include "levels.h"

LOOPS(softmax_cross_entropy);
LOOPS(smoothed_cross_entropy);
LOOPS(count_right);
LOOPS(highest);

/* labels, classes */
KERNEL(are_labels)
{
    Array labels;
    if (names || count != 2 || !is_plain(args[0], NPY_INTP, READ) || !PyLong_Check(args[1]))
        HAND_OVER;
    look(args[0], &labels);
    Py_ssize_t classes = PyLong_AsSsize_t(args[1]);
    if (classes < 0 || labels.dimensions != 1 || !labels.size) {
        PyErr_Clear();
        HAND_OVER;
    }
    return PyBool_FromLong(in_range(labels.data, labels.size, classes));
}

/* Take scores (N, C) and, for each row, a label. */
static int take_labelled(PyObject *const *args, Array *scores, Array *labels)
{
    return take_scores(args[0], scores) && scores->dimensions == 2 && take_indices(args[1], scores->shape[1], labels)
           && labels->dimensions == 1 && labels->shape[0] == scores->shape[0];
}

/* Take one float64 for each row or column, or for none where `object` is None; `apart` from `out`. */
static int take_shares(PyObject *object, npy_intp length, Array *shares)
{
    *shares = (Array){0};
    if (object == Py_None)
        return 1;
    if (!is_plain(object, NPY_DOUBLE, READ))
        return 0;
    look(object, shares);
    return shares->dimensions == 1 && shares->size == length;
}

/* Take the array for the gradient, if there is any: it must overlap with nothing that is read. */
static int take_gradient(PyObject *object, const Array *scores, const Array *labels, Array *out)
{
    *out = (Array){0};
    return object == Py_None
           || (take_like(scores, object, WRITE, out) && apart(scores, out) && apart(labels, out));
}

/* What `loop` adds up in all blocks of rows. */
static double add_up(Loop *loop, Rows *rows, ptrdiff_t samples)
{
    double losses[MOST_BLOCKS], total = 0;
    ptrdiff_t least = (samples + MOST_BLOCKS - 1) / MOST_BLOCKS;
    rows->losses = losses;
    rows->block = (least + STRIP - 1) / STRIP * STRIP;
    run_loop(loop, rows, samples, (grain_of(rows->classes) + rows->block - 1) / rows->block * rows->block);
    for (ptrdiff_t i = 0; i < samples; i += rows->block)
        total += losses[i / rows->block];
    return total;
}

/* The walk over the rows of `scores`, with their labels and, where there is memory for it, their gradient. */
static Rows rows_of(const Array *scores, const Array *labels, const Array *out)
{
    return (Rows){.scores = scores->data, .labels = labels ? labels->data : NULL, .out = out ? out->data : NULL,
                  .classes = scores->shape[1]};
}

/* scores, labels, weights=None, out=None */
KERNEL(softmax_cross_entropy)
{
    Array scores, labels, weights, out;
    PyObject *wanted = count > 3 ? args[3] : Py_None;
    if (names || count < 2 || count > 4 || !take_labelled(args, &scores, &labels)
        || !take_shares(count > 2 ? args[2] : Py_None, scores.shape[0], &weights)
        || !take_gradient(wanted, &scores, &labels, &out) || (weights.data && out.data && !apart(&weights, &out)))
        HAND_OVER;
    double total = weights.data ? 0 : (double)scores.shape[0];
    for (npy_intp i = 0; weights.data && i < weights.size; i++)
        total += ((const double *)weights.data)[i];
    Rows rows = rows_of(&scores, &labels, &out);
    rows.shares = weights.data;
    rows.share = 1 / (total == 0 ? 1 : total);
    return Py_BuildValue("dO", add_up(PICK(softmax_cross_entropy, scores.is_double), &rows, labels.size), wanted);
}

/* scores, labels, smoothing, shares, of_classes, out=None */
KERNEL(smoothed_cross_entropy)
{
    Array scores, labels, shares, of_classes, out;
    double smoothing;
    PyObject *wanted = count > 5 ? args[5] : Py_None;
    if (names || count < 5 || count > 6 || !take_labelled(args, &scores, &labels)
        || !take_number(args[2], &smoothing) || !take_shares(args[3], scores.shape[0], &shares)
        || !take_shares(args[4], scores.shape[1], &of_classes) || !shares.data || !of_classes.data
        || !take_gradient(wanted, &scores, &labels, &out)
        || (out.data && (!apart(&shares, &out) || !apart(&of_classes, &out))))
        HAND_OVER;
    Rows rows = rows_of(&scores, &labels, &out);
    rows.shares = shares.data;
    rows.of_classes = of_classes.data;
    rows.smoothing = smoothing;
    rows.share = smoothing / (double)rows.classes;
    rows.spread = 0;
    for (ptrdiff_t i = 0; i < rows.classes; i++)
        rows.spread += rows.of_classes[i] * rows.share;
    return Py_BuildValue("dO", add_up(PICK(smoothed_cross_entropy, scores.is_double), &rows, labels.size), wanted);
}

/* scores, labels */
KERNEL(count_right)
{
    Array scores, labels;
    if (names || count != 2 || !take_scores(args[0], &scores) || scores.dimensions != 2
        || !is_plain(args[1], NPY_INTP, READ))
        HAND_OVER;
    look(args[1], &labels);
    if (labels.dimensions != 1 || labels.size != scores.shape[0])
        HAND_OVER;
    Rows rows = rows_of(&scores, &labels, NULL);
    return PyFloat_FromDouble(add_up(PICK(count_right, scores.is_double), &rows, labels.size));
}

/* scores */
KERNEL(highest)
{
    Array scores;
    if (names || count != 1 || !take_scores(args[0], &scores) || scores.dimensions != 2)
        HAND_OVER;
    PyObject *places = PyArray_SimpleNew(1, scores.shape, NPY_INTP);
    if (!places)
        return NULL;
    Rows rows = rows_of(&scores, NULL, NULL);
    rows.out = PyArray_DATA((PyArrayObject *)places);
    if (add_up(PICK(highest, scores.is_double), &rows, scores.shape[0]) == 0)
        return places;
    Py_DECREF(places); /* there is NaN */
    HAND_OVER;
}

PyMethodDef cross_entropy_kernels[] = {
    ENTRY(are_labels), ENTRY(softmax_cross_entropy), ENTRY(smoothed_cross_entropy), ENTRY(count_right), ENTRY(highest),
    {NULL},
};

#else
#include "exponentials.h"

/* Call `of_strip` for rows `first` to `end`, up to STRIP at a time; it adds their losses to those of their block. */
static inline void LOOP(walk)(const Rows *all, ptrdiff_t first, ptrdiff_t end,
                              double (*of_strip)(const Rows *, ptrdiff_t, ptrdiff_t, double))
{
    for (ptrdiff_t block = first; block < end; block += all->block) {
        const ptrdiff_t end_of_block = block + all->block < end ? block + all->block : end;
        double total = 0;
        for (ptrdiff_t strip = block; strip < end_of_block; strip += STRIP)
            total = of_strip(all, strip, LOOP(end_of_strip)(strip, end_of_block) - strip, total);
        all->losses[block / all->block] = total;
    }
}

static inline double LOOP(plain_strip)(const Rows *all, ptrdiff_t strip, ptrdiff_t rows, double total)
{
    const ptrdiff_t classes = all->classes;
    const REAL *scores = (const REAL *)all->scores + strip * classes;
    const npy_intp *labels = all->labels + strip;
    const double *weights = all->shares ? all->shares + strip : NULL;
    REAL *out = all->out ? (REAL *)all->out + strip * classes : NULL;
    REAL largest[STRIP], sums[STRIP], logs[STRIP];
    LOOP(exps_of_rows)(scores, out, rows, classes, largest, sums, logs);
    for (ptrdiff_t i = 0; i < rows; i++) {
        const double share = weights ? weights[i] * all->share : all->share;
        total += share * (double)(logs[i] - (scores[i * classes + labels[i]] - largest[i]));
    }
    for (ptrdiff_t i = 0; out && i < rows; i++, out += classes) {
        const double share = weights ? weights[i] * all->share : all->share;
        const REAL scale = (REAL)(share / (double)sums[i]);
        out[labels[i]] -= sums[i]; /* 1 is subtracted from the probability before both are divided by the sum */
        for (ptrdiff_t j = 0; j < classes; j++)
            out[j] *= scale;
    }
    return total;
}

static void LOOP(softmax_cross_entropy)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    LOOP(walk)(context, first, end, LOOP(plain_strip));
}

static inline double LOOP(smoothed_strip)(const Rows *all, ptrdiff_t strip, ptrdiff_t rows, double total)
{
    const ptrdiff_t classes = all->classes;
    const double *of_classes = all->of_classes, each = all->share, spread = all->spread;
    const REAL *scores = (const REAL *)all->scores + strip * classes;
    REAL *out = all->out ? (REAL *)all->out + strip * classes : NULL;
    REAL largest[STRIP], sums[STRIP], logs[STRIP];
    LOOP(exps_of_rows)(scores, out, rows, classes, largest, sums, logs);
    for (ptrdiff_t i = 0; i < rows; i++, scores += classes) {
        const ptrdiff_t label = all->labels[strip + i];
        const double kept = of_classes[label] * (1 - all->smoothing), share = all->shares[strip + i];
        double spread_scores = 0;
        for (ptrdiff_t j = 0; j < classes; j++)
            spread_scores += of_classes[j] * each * (double)(scores[j] - largest[i]);
        total += share
                 * ((kept + spread) * (double)logs[i] - kept * (double)(scores[label] - largest[i]) - spread_scores);
        if (!out)
            continue;
        const double of_label = (double)out[label] / (double)sums[i];
        const REAL whole = (REAL)((kept + spread) / (double)sums[i]), counts = (REAL)share;
        for (ptrdiff_t j = 0; j < classes; j++)
            out[j] = (out[j] * whole - (REAL)(of_classes[j] * each)) * counts;
        /* In this order nothing is left by rounding where the label's probability is 1. */
        out[label] = (REAL)(kept * (of_label - 1) + (spread * of_label - of_classes[label] * each)) * counts;
        out += classes;
    }
    return total;
}

static void LOOP(smoothed_cross_entropy)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    LOOP(walk)(context, first, end, LOOP(smoothed_strip));
}

/* A label's score must be above those before it, and no lower than those behind it. */
static inline double LOOP(right_of_strip)(const Rows *all, ptrdiff_t strip, ptrdiff_t rows, double total)
{
    const ptrdiff_t classes = all->classes;
    ptrdiff_t right = 0;
    int has_nan = 0;
    for (ptrdiff_t i = strip; i < strip + rows; i++) {
        const REAL *row = (const REAL *)all->scores + i * classes;
        const ptrdiff_t label = all->labels[i], is_class = label >= 0 && label < classes;
        const REAL own = row[is_class ? label : 0];
        int above = 0;
        for (ptrdiff_t j = 0; j < classes; j++) {
            above |= j < label ? row[j] >= own : row[j] > own;
            has_nan |= row[j] != row[j];
        }
        right += is_class && !above;
    }
    return has_nan ? NAN : total + (double)right;
}

static void LOOP(count_right)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    LOOP(walk)(context, first, end, LOOP(right_of_strip));
}

/* The place of the highest number in each of LANES rows, side by side; gives whether there is NaN. */
static inline UNSIGNED LOOP(highest_of_lanes)(const REAL *scores, ptrdiff_t classes, npy_intp *places)
{
    REAL columns[FEW][LANES], top[LANES];
    UNSIGNED place[LANES], is_nan[LANES], any = 0;
    for (ptrdiff_t c = 0; c < classes; c++)
        for (int lane = 0; lane < LANES; lane++)
            columns[c][lane] = scores[lane * classes + c];
    for (int lane = 0; lane < LANES; lane++) {
        top[lane] = columns[0][lane];
        is_nan[lane] = columns[0][lane] != columns[0][lane];
        place[lane] = 0;
    }
    for (ptrdiff_t c = 1; c < classes; c++)
        for (int lane = 0; lane < LANES; lane++) {
            is_nan[lane] |= columns[c][lane] != columns[c][lane];
            place[lane] = columns[c][lane] > top[lane] ? (UNSIGNED)c : place[lane];
            top[lane] = LOOP(larger)(columns[c][lane], top[lane]);
        }
    for (int lane = 0; lane < LANES; lane++) {
        places[lane] = (npy_intp)place[lane];
        any |= is_nan[lane];
    }
    return any;
}

/* Whether one of ABREAST numbers is equal to `number`. */
static NOT_INLINE int LOOP(holds)(const REAL *numbers, REAL number)
{
    UNSIGNED any = 0;
    for (int lane = 0; lane < ABREAST; lane++)
        any |= numbers[lane] == number;
    return any != 0;
}

/* Adds 1 or more to `total` where there is NaN. */
static inline double LOOP(highest_of_strip)(const Rows *all, ptrdiff_t strip, ptrdiff_t rows, double total)
{
    const ptrdiff_t classes = all->classes;
    const REAL *scores = (const REAL *)all->scores + strip * classes;
    npy_intp *places = (npy_intp *)all->out + strip;
    ptrdiff_t i = 0;
    for (; classes <= FEW && i + LANES <= rows; i += LANES)
        total += (double)LOOP(highest_of_lanes)(scores + i * classes, classes, places + i);
    for (; i < rows; i++) {
        const REAL *row = scores + i * classes, top = LOOP(largest_of_row)(row, classes);
        int has_nan = 0;
        for (ptrdiff_t c = 0; c < classes; c++)
            has_nan |= row[c] != row[c];
        ptrdiff_t place = 0;
        while (!has_nan && place + ABREAST <= classes && !LOOP(holds)(row + place, top))
            place += ABREAST;
        while (!has_nan && row[place] != top)
            place++;
        places[i] = place;
        total += has_nan;
    }
    return total;
}

static void LOOP(highest)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    LOOP(walk)(context, first, end, LOOP(highest_of_strip));
}

#endif
