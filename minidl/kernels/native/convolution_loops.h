/* The loops of convolution.c, which are compiled for each kind of CPU: see levels.h. Vectors run over pixels. */
#include "sums.h"

#define TALL PASTE(TALL, LEVEL)
#define DEEP PASTE(DEEP, LEVEL)

/* How many outputs are computed at once where so many are left; of a single one, one in vain. */
static inline int LOOP(height)(ptrdiff_t left)
{
    return left >= TALL ? TALL : left >= 4 ? 4 : 2;
}

/* The weights of the groups in the order in which `product` reads them: (phase, outputs at once, taps, these). */
static void LOOP(pack)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Plan *plan = context;
    const ptrdiff_t window = plan->rows.kernel * plan->pixels.kernel;
    const ptrdiff_t apart = plan->rows.back ? window : window * plan->sources, count = plan->outputs;
    REAL *out = (REAL *)plan->weights + first * plan->taps * (count + count % 2);
    for (ptrdiff_t group = first; group < end; group++) {
        const REAL *weight = (const REAL *)plan->dy + group * plan->taps * count;
        for (ptrdiff_t phase = 0; phase < plan->rows.step * plan->pixels.step; phase++)
            for (ptrdiff_t m = 0; m < count; m += LOOP(height)(count - m))
                for (ptrdiff_t tap = plan->begins[phase]; tap < plan->begins[phase + 1]; tap++)
                    for (int t = 0; t < LOOP(height)(count - m); t++)
                        *out++ = m + t < count ? weight[(m + t) * apart + plan->places[tap]] : 0;
    }
}

/* A channel's padded phases for the output rows from `row`, in `plane`. */
static void LOOP(load)(const Plan *plan, const REAL *x, ptrdiff_t row, REAL *plane)
{
    const Axis *rows = &plan->rows, *pixels = &plan->pixels;
    const ptrdiff_t high = plan->band + rows->span, step = pixels->source_step;
    for (ptrdiff_t a = 0; a < rows->source_step; a++)
        for (ptrdiff_t b = 0; b < step; b++) {
            ptrdiff_t begin = least_of(most_of(-pixels->least, 0), plan->pitch);
            ptrdiff_t held = b < pixels->source ? divide_up(pixels->source - b, step) : 0;
            ptrdiff_t stop = least_of(most_of(held - pixels->least, begin), plan->pitch);
            for (ptrdiff_t r = 0; r < high; r++, plane += plan->pitch) {
                ptrdiff_t at = (row + r + rows->least) * rows->source_step + a;
                if (at < 0 || at >= rows->source) {
                    memset(plane, 0, plan->pitch * sizeof(REAL));
                    continue;
                }
                const REAL *source = x + at * pixels->source + b;
                for (ptrdiff_t i = 0; i < begin; i++)
                    plane[i] = 0;
                if (step == 1)
                    for (ptrdiff_t i = begin; i < stop; i++)
                        plane[i] = source[i + pixels->least];
                else
                    for (ptrdiff_t i = begin; i < stop; i++)
                        plane[i] = source[(i + pixels->least) * step];
                for (ptrdiff_t i = stop; i < plan->pitch; i++)
                    plane[i] = 0;
            }
        }
}

/* The padded phases of all channels of a sample's group. */
static void LOOP(load_all)(const Plan *plan, ptrdiff_t sample, ptrdiff_t group, ptrdiff_t row, REAL *planes)
{
    const ptrdiff_t size = plan->rows.source * plan->pixels.source;
    const ptrdiff_t plane = plan->area * plan->rows.source_step * plan->pixels.source_step;
    const REAL *x = (const REAL *)plan->x + (sample * plan->groups + group) * plan->sources * size;
    for (ptrdiff_t channel = 0; channel < plan->sources; channel++)
        LOOP(load)(plan, x + channel * size, row, planes + channel * plane);
    memset(planes + plan->sources * plane, 0, (plan->planes - plan->sources * plane) * sizeof(REAL));
}

/* `tall` outputs of `vectors` times as many pixels as a vector has: the sum over taps of weights times what is read. */
INLINE void LOOP(product)(const int tall, const int vectors, const REAL *weights, const REAL *planes,
                          const ptrdiff_t *offsets, ptrdiff_t taps, REAL *out, ptrdiff_t lead)
{
    REAL sums[MOST_TALL][VECTORS * MOST_LANES];
    for (int t = 0; t < tall; t++)
        for (int i = 0; i < vectors * WIDE; i++)
            sums[t][i] = 0;
    for (ptrdiff_t tap = 0; tap < taps; tap++) {
        const REAL *seen = planes + offsets[tap];
        UNROLL
        for (int t = 0; t < tall; t++) {
            const REAL weight = weights[tap * tall + t];
            FOR_VECTORS(i, vectors * WIDE)
                sums[t][i] = TIMES(weight, seen[i], sums[t][i]);
        }
    }
    for (int t = 0; t < tall; t++)
        for (int i = 0; i < vectors * WIDE; i++)
            out[t * lead + i] = sums[t][i];
}

/* The same for `size` pixels and a few more, which are in the memory as well. */
INLINE void LOOP(products)(const int tall, const REAL *weights, const REAL *planes, const ptrdiff_t *offsets,
                           ptrdiff_t taps, REAL *out, ptrdiff_t lead, ptrdiff_t size)
{
    ptrdiff_t i = 0;
    for (; i + 2 * WIDE < size && (size - i <= 3 * WIDE || size - i > 4 * WIDE); i += 3 * WIDE)
        LOOP(product)(tall, 3, weights, planes + i, offsets, taps, out + i, lead);
    for (; i + WIDE < size; i += 2 * WIDE)
        LOOP(product)(tall, 2, weights, planes + i, offsets, taps, out + i, lead);
    if (i < size)
        LOOP(product)(tall, 1, weights, planes + i, offsets, taps, out + i, lead);
}

/* Put a row of results where it belongs, and add the bias. */
static inline void LOOP(put)(const REAL *sums, REAL bias, REAL *out, ptrdiff_t step, ptrdiff_t count)
{
    if (step == 1)
        for (ptrdiff_t i = 0; i < count; i++)
            out[i] = sums[i] + bias;
    else
        for (ptrdiff_t i = 0; i < count; i++)
            out[i * step] = sums[i] + bias;
}

/* A band of a sample's group. */
static void LOOP(correlate_band)(const Plan *plan, ptrdiff_t unit, REAL *planes, REAL *results)
{
    const Axis *rows = &plan->rows, *pixels = &plan->pixels;
    const ptrdiff_t row = unit % plan->bands * plan->band, group = unit / plan->bands % plan->groups;
    const ptrdiff_t sample = unit / plan->bands / plan->groups, size = rows->outputs * pixels->outputs;
    const ptrdiff_t even = plan->outputs + plan->outputs % 2;
    const REAL *weights = (const REAL *)plan->weights + group * plan->taps * even;
    LOOP(load_all)(plan, sample, group, row, planes);
    for (ptrdiff_t phase = 0; phase < rows->step * pixels->step; phase++) {
        const ptrdiff_t a = phase / pixels->step, b = phase % pixels->step;
        const ptrdiff_t taps = plan->begins[phase + 1] - plan->begins[phase];
        const ptrdiff_t *offsets = plan->offsets + plan->begins[phase];
        ptrdiff_t high = a < rows->outputs ? divide_up(rows->outputs - a, rows->step) - row : 0;
        const ptrdiff_t wide = b < pixels->outputs ? divide_up(pixels->outputs - b, pixels->step) : 0;
        high = wide ? least_of(high, plan->band) : 0;
        const ptrdiff_t length = (high - 1) * plan->pitch + wide;
        for (ptrdiff_t m = 0; m < plan->outputs && high > 0;) {
            const int tall = LOOP(height)(plan->outputs - m);
            const REAL *of_these = weights + m * taps;
            if (tall == TALL)
                LOOP(products)(TALL, of_these, planes, offsets, taps, results, plan->lead, length);
            else if (tall == 4)
                LOOP(products)(4, of_these, planes, offsets, taps, results, plan->lead, length);
            else
                LOOP(products)(2, of_these, planes, offsets, taps, results, plan->lead, length);
            for (int t = 0; t < tall && m < plan->outputs; t++, m++) {
                const ptrdiff_t channel = group * plan->outputs + m;
                const REAL bias = plan->bias ? ((const REAL *)plan->bias)[channel] : 0;
                REAL *out = (REAL *)plan->out + (sample * plan->groups * plan->outputs + channel) * size
                            + (row * rows->step + a) * pixels->outputs + b;
                for (ptrdiff_t v = 0; v < high; v++)
                    LOOP(put)(results + t * plan->lead + v * plan->pitch, bias,
                              out + v * rows->step * pixels->outputs, pixels->step, wide);
            }
        }
        weights += even * taps;
    }
}

static void LOOP(correlate)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Plan *plan = context;
    for (ptrdiff_t slot = first; slot < end; slot++) {
        REAL *planes = (REAL *)plan->memory + slot * plan->slot;
        for (ptrdiff_t unit = slot * plan->units / plan->slots; unit < (slot + 1) * plan->units / plan->slots; unit++)
            LOOP(correlate_band)(plan, unit, planes, planes + plan->planes);
    }
}

/* Rows of maps as they lie beside the padded phases, with zeros between them. */
static void LOOP(load_maps)(const Plan *plan, const REAL *dy, ptrdiff_t row, REAL *out)
{
    const ptrdiff_t high = least_of(plan->band, plan->rows.run - row), wide = plan->pixels.run;
    for (ptrdiff_t v = 0; v < high; v++) {
        const REAL *source = dy + (row + v) * wide;
        REAL *to = out + v * plan->pitch;
        for (ptrdiff_t i = 0; i < wide; i++)
            to[i] = source[i];
        for (ptrdiff_t i = wide; i < plan->pitch; i++)
            to[i] = 0;
    }
    memset(out + high * plan->pitch, 0, (plan->lead - high * plan->pitch) * sizeof(REAL));
}

/* Add the products of `deep` rows of maps with what `wide` taps see, over all pixels of `lot` samples. */
INLINE void LOOP(meet)(const Plan *plan, const int deep, const int wide, ptrdiff_t lot, const REAL *maps,
                       const REAL *planes, const ptrdiff_t *offsets, REAL *out)
{
    REAL sums[MOST_DEEP][6][MOST_LANES];
    for (int t = 0; t < deep; t++)
        for (int k = 0; k < wide; k++)
            for (int i = 0; i < WIDE; i++)
                sums[t][k][i] = 0;
    for (ptrdiff_t sample = 0; sample < lot; sample++) {
        const REAL *d = maps + sample * plan->share * plan->lead, *seen = planes + sample * plan->planes;
        for (ptrdiff_t p = 0; p < plan->lead; p += WIDE) {
            UNROLL
            for (int t = 0; t < deep; t++) {
                UNROLL
                for (int k = 0; k < wide; k++)
                    FOR_VECTORS(i, WIDE)
                        sums[t][k][i] = TIMES(d[t * plan->lead + p + i], seen[offsets[k] + p + i], sums[t][k][i]);
            }
        }
    }
    for (int t = 0; t < deep; t++)
        for (int k = 0; k < wide; k++) {
            REAL *sum = sums[t][k];
            if (WIDE == 16)
                for (int i = 0; i < 8; i++)
                    sum[i] += sum[i + 8];
            if (WIDE >= 8)
                for (int i = 0; i < 4; i++)
                    sum[i] += sum[i + 4];
            out[t * plan->taps + k] += WIDE == 2 ? sum[0] + sum[1] : (sum[0] + sum[2]) + (sum[1] + sum[3]);
        }
}

INLINE void LOOP(meet_all)(const Plan *plan, const int deep, ptrdiff_t lot, const REAL *maps, const REAL *planes,
                           REAL *out)
{
    ptrdiff_t tap = 0;
    for (; tap + 6 <= plan->taps; tap += 6)
        LOOP(meet)(plan, deep, 6, lot, maps, planes, plan->offsets + tap, out + tap);
    for (; tap + 3 <= plan->taps; tap += 3)
        LOOP(meet)(plan, deep, 3, lot, maps, planes, plan->offsets + tap, out + tap);
    for (; tap < plan->taps; tap++)
        LOOP(meet)(plan, deep, 1, lot, maps, planes, plan->offsets + tap, out + tap);
}

/* The gradient of some outputs of a group's weight from a block of samples. */
static void LOOP(gradient_of_block)(const Plan *plan, ptrdiff_t unit, REAL *planes, REAL *maps)
{
    const ptrdiff_t group = unit / plan->shares % plan->groups, block = unit / plan->shares / plan->groups;
    const ptrdiff_t from = unit % plan->shares * plan->share, count = least_of(plan->share, plan->outputs - from);
    const ptrdiff_t all = plan->groups * plan->outputs, size = plan->rows.run * plan->pixels.run;
    const ptrdiff_t channel = group * plan->outputs + from;
    const ptrdiff_t stop = least_of((block + 1) * plan->block, plan->samples);
    REAL *out = (REAL *)plan->partials + (block * all + channel) * plan->taps;
    memset(out, 0, count * plan->taps * sizeof(REAL));
    for (ptrdiff_t start = block * plan->block; start < stop; start += plan->lot)
        for (ptrdiff_t row = 0; row < plan->rows.run; row += plan->band) {
            const ptrdiff_t lot = least_of(plan->lot, stop - start);
            for (ptrdiff_t i = 0; i < lot; i++) {
                const REAL *dy = (const REAL *)plan->dy + ((start + i) * all + channel) * size;
                LOOP(load_all)(plan, start + i, group, row, planes + i * plan->planes);
                for (ptrdiff_t m = 0; m < count; m++)
                    LOOP(load_maps)(plan, dy + m * size, row, maps + (i * plan->share + m) * plan->lead);
            }
            ptrdiff_t m = 0;
            for (; m + DEEP <= count; m += DEEP)
                LOOP(meet_all)(plan, DEEP, lot, maps + m * plan->lead, planes, out + m * plan->taps);
            for (; m < count; m++)
                LOOP(meet_all)(plan, 1, lot, maps + m * plan->lead, planes, out + m * plan->taps);
        }
}

static void LOOP(gradient)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Plan *plan = context;
    for (ptrdiff_t slot = first; slot < end; slot++) {
        REAL *planes = (REAL *)plan->memory + slot * plan->slot;
        for (ptrdiff_t unit = slot * plan->units / plan->slots; unit < (slot + 1) * plan->units / plan->slots; unit++)
            LOOP(gradient_of_block)(plan, unit, planes, planes + plan->lot * plan->planes);
    }
}

static void LOOP(add_partials)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Plan *plan = context;
    const ptrdiff_t size = plan->groups * plan->outputs * plan->taps;
    REAL *out = plan->out;
    for (ptrdiff_t i = first; i < end; i++)
        out[i] = ((const REAL *)plan->partials)[i];
    for (ptrdiff_t block = 1; block < plan->blocks; block++) {
        const REAL *partial = (const REAL *)plan->partials + block * size;
        for (ptrdiff_t i = first; i < end; i++)
            out[i] += partial[i];
    }
}

ROW_SUMS(add_numbers, NUMBERS)

static void LOOP(sum_pixels)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Sums *of = context;
    for (ptrdiff_t channel = first; channel < end; channel++) {
        const REAL *dy = (const REAL *)of->dy + channel * of->pixels;
        double whole = 0;
        LOOP(add_numbers)(dy, dy, 0, 0, of->samples, of->channels * of->pixels, of->pixels, &whole);
        ((REAL *)of->out)[channel] = (REAL)whole;
    }
}

#include "convolution_channels.h"

#undef TALL
#undef DEEP
