/* The exponentials of rows of scores, with each row's largest score subtracted, and their sums.
 *
 * Included twice: where arguments are taken, for the sizes, and with the loops.
 */
#ifndef LOOPS_ONLY

enum {
    GRAIN = 1 << 13, /* numbers of a part, whose exponentials take some 10 microseconds */
    STRIP = 64,      /* rows that are worked on together at most */
    FEW = 32,        /* classes up to which several rows are worked on side by side */
    CHUNK = 1024,    /* numbers that are added up in their own dtype */
    ABREAST = 32,    /* numbers that are compared at once: for fewer, GCC forms no vectors */
};

static inline ptrdiff_t grain_of(ptrdiff_t classes)
{
    return (GRAIN / classes / STRIP + 1) * STRIP;
}

/* Take an array with rows of at least one number. */
static inline int take_scores(PyObject *object, Array *scores)
{
    return take_real(object, READ, scores) && scores->dimensions && scores->size;
}

#else
#include "functions.h"

static inline REAL LOOP(larger)(REAL one, REAL other)
{
    return one > other ? one : other;
}

static inline REAL LOOP(sum_lanes)(const REAL *lanes)
{
    REAL sums[LANES / 2];
    for (int lane = 0; lane < LANES / 2; lane++)
        sums[lane] = lanes[lane] + lanes[lane + LANES / 2];
    for (int lane = 0; lane < LANES / 4; lane++)
        sums[lane] += sums[lane + LANES / 4];
    return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

static inline void LOOP(raise)(REAL *restrict most, const REAL *restrict numbers)
{
    for (int lane = 0; lane < ABREAST; lane++)
        most[lane] = LOOP(larger)(numbers[lane], most[lane]);
}

/* The largest number of a row. A NaN counts only as the first one: in the sum of exponentials, any does. */
static NOT_INLINE REAL LOOP(largest_of_row)(const REAL *row, ptrdiff_t classes)
{
    const ptrdiff_t whole = classes / ABREAST * ABREAST;
    REAL top = row[0], most[ABREAST];
    for (ptrdiff_t j = 1; !whole && j < classes; j++)
        top = LOOP(larger)(row[j], top);
    if (!whole)
        return top;
    for (int lane = 0; lane < ABREAST; lane++)
        most[lane] = top;
    for (ptrdiff_t j = 0; j < whole; j += ABREAST)
        LOOP(raise)(most, row + j);
    LOOP(raise)(most, row + classes - ABREAST); /* some of them for a second time */
    for (int lane = 0; lane < ABREAST / 2; lane++)
        most[lane] = LOOP(larger)(most[lane + ABREAST / 2], most[lane]);
    for (int lane = 0; lane < ABREAST / 4; lane++)
        most[lane] = LOOP(larger)(most[lane + ABREAST / 4], most[lane]);
    for (int lane = 0; lane < ABREAST / 4; lane++)
        top = LOOP(larger)(most[lane], top);
    return top;
}

/* Write exp(row - top) to `exps`, for a multiple of LANES numbers of which none is above `top`. Gives their sum. */
static NOT_INLINE REAL LOOP(exps_of_chunk)(const REAL *row, REAL *exps, ptrdiff_t count, REAL top)
{
    REAL sums[LANES] = {0};
    for (ptrdiff_t j = 0; j < count; j++)
        exps[j] = LOOP(exp_below)(row[j] - top);
    for (ptrdiff_t j = 0; j < count; j += LANES)
        for (int lane = 0; lane < LANES; lane++)
            sums[lane] += exps[j + lane];
    return LOOP(sum_lanes)(sums);
}

/* exp(row - largest), its sum, and the largest number of a row.
 * The exponentials go into `exps`, or nowhere where it is NULL. */
static inline void LOOP(exps_of_row)(const REAL *row, REAL *exps, ptrdiff_t classes, REAL *largest, REAL *total)
{
    const REAL top = LOOP(largest_of_row)(row, classes);
    const ptrdiff_t whole = classes / LANES * LANES;
    REAL unused[CHUNK], last[LANES];
    double sum = 0;
    for (ptrdiff_t chunk = 0; chunk < whole; chunk += CHUNK)
        sum += LOOP(exps_of_chunk)(row + chunk, exps ? exps + chunk : unused,
                                   whole - chunk < CHUNK ? whole - chunk : CHUNK, top);
    for (int lane = 0; lane < LANES; lane++)
        last[lane] = -(REAL)INFINITY; /* whose exponential is 0 */
    for (ptrdiff_t j = whole; j < classes; j++)
        last[j - whole] = row[j];
    if (whole < classes)
        sum += LOOP(exps_of_chunk)(last, last, LANES, top);
    for (ptrdiff_t j = whole; exps && j < classes; j++)
        exps[j] = last[j - whole];
    *total = (REAL)sum;
    *largest = top;
}

/* The same of LANES rows of few numbers, side by side. */
static inline void LOOP(exps_of_lanes)(const REAL *scores, REAL *exps, ptrdiff_t classes, REAL *restrict largest,
                                REAL *restrict sums)
{
    REAL columns[FEW][LANES], top[LANES], sum[LANES];
    for (ptrdiff_t c = 0; c < classes; c++)
        for (int lane = 0; lane < LANES; lane++)
            columns[c][lane] = scores[lane * classes + c];
    for (int lane = 0; lane < LANES; lane++) {
        top[lane] = columns[0][lane];
        sum[lane] = 0;
    }
    for (ptrdiff_t c = 1; c < classes; c++)
        for (int lane = 0; lane < LANES; lane++)
            top[lane] = LOOP(larger)(columns[c][lane], top[lane]);
    for (ptrdiff_t c = 0; c < classes; c++)
        for (int lane = 0; lane < LANES; lane++) {
            columns[c][lane] = LOOP(exp_below)(columns[c][lane] - top[lane]);
            sum[lane] += columns[c][lane];
        }
    for (ptrdiff_t c = 0; exps && c < classes; c++)
        for (int lane = 0; lane < LANES; lane++)
            exps[lane * classes + c] = columns[c][lane];
    for (int lane = 0; lane < LANES; lane++) {
        largest[lane] = top[lane];
        sums[lane] = sum[lane];
    }
}

/* The same of up to STRIP rows; the logarithms of the sums, too, where they are wanted. */
static inline void LOOP(exps_of_rows)(const REAL *scores, REAL *exps, ptrdiff_t rows, ptrdiff_t classes, REAL *largest,
                               REAL *sums, REAL *logs)
{
    ptrdiff_t i = 0;
    for (; classes <= FEW && i + LANES <= rows; i += LANES)
        LOOP(exps_of_lanes)(scores + i * classes, exps ? exps + i * classes : NULL, classes, largest + i, sums + i);
    for (; i < rows; i++)
        LOOP(exps_of_row)(scores + i * classes, exps ? exps + i * classes : NULL, classes, largest + i, sums + i);
    for (; i % LANES; i++)
        sums[i] = 1; /* so that the logarithms are taken of whole vectors */
    for (ptrdiff_t j = 0; logs && j < i; j++)
        logs[j] = LOOP(log)(sums[j]);
}

static inline ptrdiff_t LOOP(end_of_strip)(ptrdiff_t first, ptrdiff_t end)
{
    return first + STRIP < end ? first + STRIP : end;
}

#endif
