/* The loops of convolution.c for many channels: vectors run over the channels of what is written.
 *
 * For each place of the window, a number of the images (or maps) that the place sees is multiplied by vectors of the
 * weight and added to vectors of a pixel's results. Only pixels that see something are listed, so that neither the
 * padding nor the ends of rows cost anything. In the gradient of the weight pixels and channels change roles: what
 * is added up over the listed pixels is the same number times vectors of dy.
 * Results, weights, dy and gradients lie in strips of outputs: (strip, row, outputs of the strip).
 */

#define STRIP (PASTE(STRIP, LEVEL) * WIDE)
#define HALF (STRIP / 2)
#define HEIGHT PASTE(HEIGHT, LEVEL)
#define HALF_HEIGHT PASTE(HALF_HEIGHT, LEVEL)

/* The width of a strip where so many outputs are left. */
static inline ptrdiff_t LOOP(width)(ptrdiff_t left)
{
    return left > HALF ? STRIP : HALF;
}

/* The widths of all strips. */
static inline ptrdiff_t LOOP(padded)(const Plan *plan)
{
    return round_up(plan->outputs, HALF);
}

/* out[row.at] += sum over steps of planes[row.from + step.from] * factors[step.at], for some rows at once. */
INLINE void LOOP(add_tile)(const int height, const int width, const REAL *restrict planes, const Spot *rows,
                           ptrdiff_t left, const Spot *steps, ptrdiff_t count, const REAL *restrict factors,
                           REAL *restrict out)
{
    REAL sums[MOST_HEIGHT][MOST_STRIP * MOST_LANES];
    const REAL *seen[MOST_HEIGHT];
    UNROLL
    for (int t = 0; t < height; t++) {
        seen[t] = planes + rows[least_of(t, left - 1)].from;
        FOR_VECTORS(i, width)
            sums[t][i] = 0;
    }
    const Spot *step = steps, *end = steps + count;
    do { /* at least once, without which GCC would keep the sums in memory */
        const REAL *vector = factors + step->at * (ptrdiff_t)width;
        const ptrdiff_t from = step->from;
        UNROLL
        for (int t = 0; t < height; t++) {
            const REAL number = seen[t][from];
            FOR_VECTORS(i, width)
                sums[t][i] = TIMES(number, vector[i], sums[t][i]);
        }
    } while (++step < end);
    UNROLL
    for (int t = 0; t < height; t++)
        if (t < left) {
            REAL *to = out + rows[t].at * (ptrdiff_t)width;
            FOR_VECTORS(i, width)
                to[i] += sums[t][i];
        }
}

/* Functions of their own, which leave the registers to the loop above. */
static NOT_INLINE void LOOP(add_strip)(const REAL *planes, const Spot *rows, ptrdiff_t left, const Spot *steps,
                                       ptrdiff_t count, const REAL *factors, REAL *out)
{
    LOOP(add_tile)(HEIGHT, STRIP, planes, rows, left, steps, count, factors, out);
}

static NOT_INLINE void LOOP(add_half)(const REAL *planes, const Spot *rows, ptrdiff_t left, const Spot *steps,
                                      ptrdiff_t count, const REAL *factors, REAL *out)
{
    LOOP(add_tile)(HALF_HEIGHT, HALF, planes, rows, left, steps, count, factors, out);
}

/* The same for all rows of a strip, by so many steps at a time that their vectors stay in the cache. */
static void LOOP(add_products)(ptrdiff_t width, const REAL *planes, const Spot *rows, ptrdiff_t count,
                               const Spot *steps, ptrdiff_t all, const REAL *factors, REAL *out)
{
    for (ptrdiff_t from = 0; from < all; from += STEPS) {
        const ptrdiff_t some = least_of(STEPS, all - from);
        if (width == STRIP)
            for (ptrdiff_t row = 0; row < count; row += HEIGHT)
                LOOP(add_strip)(planes, rows + row, count - row, steps + from, some, factors, out);
        else
            for (ptrdiff_t row = 0; row < count; row += HALF_HEIGHT)
                LOOP(add_half)(planes, rows + row, count - row, steps + from, some, factors, out);
    }
}

/* The weights of the groups: (group, place, strip, channel, outputs of the strip). */
static void LOOP(pack_strips)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Plan *plan = context;
    const ptrdiff_t window = plan->rows.kernel * plan->pixels.kernel, padded = LOOP(padded)(plan);
    const ptrdiff_t of_output = plan->rows.back ? window : window * plan->sources;
    const ptrdiff_t of_channel = plan->rows.back ? window * plan->outputs : window;
    for (ptrdiff_t group = first; group < end; group++)
        for (ptrdiff_t m = 0, width; m < plan->outputs; m += width) {
            width = LOOP(width)(plan->outputs - m);
            for (ptrdiff_t channel = 0; channel < plan->sources; channel++)
                for (ptrdiff_t place = 0; place < window; place++) {
                    const REAL *weight = (const REAL *)plan->dy + group * plan->taps * plan->outputs + m * of_output
                                         + channel * of_channel + place;
                    REAL *out = (REAL *)plan->weights
                                + ((group * window + place) * padded + m) * plan->sources + channel * width;
                    for (ptrdiff_t t = 0; t < width; t++)
                        out[t] = m + t < plan->outputs ? weight[t * of_output] : 0;
                }
        }
}

/* Transpose 16 rows of `count` numbers each, at most SOME, in two steps that the compiler has instructions for. */
static void LOOP(transpose)(const REAL *const rows[16], ptrdiff_t count, REAL *restrict out)
{
    REAL quarters[4][4 * SOME];
    for (int q = 0; q < 4; q++) {
        const REAL *a = rows[q], *b = rows[q + 4], *c = rows[q + 8], *d = rows[q + 12];
        REAL *to = quarters[q];
        for (ptrdiff_t i = 0; i < count; i++) {
            to[4 * i] = a[i];
            to[4 * i + 1] = b[i];
            to[4 * i + 2] = c[i];
            to[4 * i + 3] = d[i];
        }
    }
    for (ptrdiff_t i = 0; i < 4 * count; i++) {
        out[4 * i] = quarters[0][i];
        out[4 * i + 1] = quarters[1][i];
        out[4 * i + 2] = quarters[2][i];
        out[4 * i + 3] = quarters[3][i];
    }
}

/* Put a strip's results for `count` neighbouring pixels into the maps, and add the bias. */
static void LOOP(put_strip)(const REAL *results, ptrdiff_t width, ptrdiff_t count, const REAL *bias, ptrdiff_t outputs,
                            REAL *out, ptrdiff_t apart)
{
    REAL turned[16 * SOME];
    const REAL *rows[16];
    for (ptrdiff_t p = 0; p < count; p += 16) {
        for (int i = 0; i < 16; i++)
            rows[i] = results + least_of(p + i, count - 1) * width;
        LOOP(transpose)(rows, width, turned);
        for (ptrdiff_t m = 0; m < outputs; m++) {
            const REAL more = bias ? bias[m] : 0;
            REAL *to = out + m * apart + p;
            if (count - p >= 16)
                for (int i = 0; i < 16; i++)
                    to[i] = turned[m * 16 + i] + more;
            else
                for (ptrdiff_t i = 0; i < count - p; i++)
                    to[i] = turned[m * 16 + i] + more;
        }
    }
}

/* `count` neighbouring pixels of a strip of maps, `apart` from each other, as (pixel, outputs of the strip). What
 * stands for outputs that there are none of does not matter. */
static void LOOP(take_strip)(const REAL *maps, ptrdiff_t apart, ptrdiff_t outputs, ptrdiff_t width, ptrdiff_t count,
                             REAL *out)
{
    REAL turned[16 * SOME];
    const REAL *rows[16];
    for (ptrdiff_t m = 0; m < width; m += 16)
        for (ptrdiff_t p = 0; p < count; p += SOME) {
            const ptrdiff_t some = least_of(SOME, count - p);
            for (int i = 0; i < 16; i++)
                rows[i] = maps + least_of(m + i, outputs - 1) * apart + p;
            LOOP(transpose)(rows, some, turned);
            for (ptrdiff_t i = 0; i < some; i++)
                if (width >= 16)
                    for (int t = 0; t < 16; t++)
                        out[(p + i) * width + m + t] = turned[i * 16 + t];
                else
                    for (ptrdiff_t t = 0; t < width; t++)
                        out[(p + i) * width + t] = turned[i * 16 + t];
        }
}

/* Of all channels of a lot's group, the rows that the lot sees, as they are: (channel, sample, row, pixel). */
static void LOOP(copy_rows)(const Plan *plan, const Lot *lot, ptrdiff_t group, REAL *planes)
{
    const ptrdiff_t wide = plan->pixels.source, size = plan->rows.source * wide;
    for (ptrdiff_t channel = 0; channel < plan->sources; channel++)
        for (ptrdiff_t s = 0; s < lot->samples; s++) {
            const ptrdiff_t plane = ((lot->sample + s) * plan->groups + group) * plan->sources + channel;
            memcpy(planes + channel * plan->area + s * plan->held * wide,
                   (const REAL *)plan->x + plane * size + lot->seen * wide, lot->rows_seen * wide * sizeof(REAL));
        }
}

/* The outputs of a lot in a group. */
static void LOOP(correlate_lot)(const Plan *plan, const Lot *lot, ptrdiff_t group, REAL *planes, REAL *results,
                                const Spot *channels)
{
    const ptrdiff_t size = plan->rows.outputs * plan->pixels.outputs, of_band = lot->rows * plan->pixels.outputs;
    const ptrdiff_t window = plan->rows.kernel * plan->pixels.kernel, padded = LOOP(padded)(plan);
    const ptrdiff_t channel = group * plan->outputs, all = plan->groups * plan->outputs;
    const REAL *weights = (const REAL *)plan->weights + group * window * padded * plan->sources;
    const Spot *pixels = lot->pixels;
    LOOP(copy_rows)(plan, lot, group, planes);
    memset(results, 0, padded * lot->samples * of_band * sizeof(REAL));
    for (ptrdiff_t place = 0; place < window; place++) {
        for (ptrdiff_t m = 0, width; m < plan->outputs; m += width) {
            width = LOOP(width)(plan->outputs - m);
            LOOP(add_products)(width, planes, pixels + 1, pixels->at, channels, plan->sources,
                               weights + m * plan->sources, results + m * lot->samples * of_band);
        }
        weights += padded * plan->sources;
        pixels += 1 + pixels->at;
    }
    for (ptrdiff_t m = 0, width; m < plan->outputs; m += width) {
        width = LOOP(width)(plan->outputs - m);
        for (ptrdiff_t s = 0; s < lot->samples; s++)
            LOOP(put_strip)(results + (m * lot->samples + s * width) * of_band, width, of_band,
                            plan->bias ? (const REAL *)plan->bias + channel + m : NULL,
                            least_of(width, plan->outputs - m),
                            (REAL *)plan->out + ((lot->sample + s) * all + channel + m) * size
                            + lot->row * plan->pixels.outputs, size);
    }
}

static void LOOP(correlate_strips)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Plan *plan = context;
    const ptrdiff_t lots = divide_up(plan->samples, plan->lot);
    for (ptrdiff_t slot = first; slot < end; slot++) {
        REAL *planes = (REAL *)plan->memory + slot * plan->slot;
        Spot *channels = (Spot *)(planes + plan->planes + plan->lead);
        Lot lot = {.pixels = list_channels(plan, channels)};
        for (ptrdiff_t unit = slot * plan->units / plan->slots; unit < (slot + 1) * plan->units / plan->slots; unit++) {
            go_to(plan, &lot, unit % lots * plan->lot, unit / lots / plan->groups * plan->band);
            LOOP(correlate_lot)(plan, &lot, unit / lots % plan->groups, planes, planes + plan->planes, channels);
        }
    }
}

/* Add a lot's part to the gradient of the outputs from `begin` to before `stop` of a group's weight. */
static void LOOP(gradient_of_lot)(const Plan *plan, const Lot *lot, ptrdiff_t group, ptrdiff_t begin, ptrdiff_t stop,
                                  REAL *planes, REAL *maps, const Spot *channels, REAL *partial)
{
    const ptrdiff_t size = plan->rows.outputs * plan->pixels.outputs, of_band = lot->rows * plan->pixels.outputs;
    const ptrdiff_t window = plan->rows.kernel * plan->pixels.kernel, padded = LOOP(padded)(plan);
    const Spot *pixels = lot->pixels;
    LOOP(copy_rows)(plan, lot, group, planes);
    for (ptrdiff_t m = begin, width; m < stop; m += width) {
        width = LOOP(width)(plan->outputs - m);
        for (ptrdiff_t s = 0; s < lot->samples; s++) {
            const ptrdiff_t channel = ((lot->sample + s) * plan->groups + group) * plan->outputs + m;
            LOOP(take_strip)((const REAL *)plan->dy + channel * size + lot->row * plan->pixels.outputs, size,
                             least_of(width, plan->outputs - m), width, of_band,
                             maps + ((m - begin) * lot->samples + s * width) * of_band);
        }
    }
    for (ptrdiff_t place = 0; place < window; place++) {
        for (ptrdiff_t m = begin, width; m < stop; m += width) {
            width = LOOP(width)(plan->outputs - m);
            LOOP(add_products)(width, planes, channels, plan->sources, pixels + 1, pixels->at,
                               maps + (m - begin) * lot->samples * of_band, partial + m * plan->sources);
        }
        partial += padded * plan->sources;
        pixels += 1 + pixels->at;
    }
}

/* The units are some outputs of a group and a block of lots, whose sum is (place, strip, channel, outputs). */
static void LOOP(gradient_strips)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Plan *plan = context;
    const ptrdiff_t window = plan->rows.kernel * plan->pixels.kernel, of_place = LOOP(padded)(plan) * plan->sources;
    const ptrdiff_t lots = divide_up(plan->samples, plan->lot);
    for (ptrdiff_t slot = first; slot < end; slot++) {
        REAL *planes = (REAL *)plan->memory + slot * plan->slot, *maps = planes + plan->planes;
        Spot *channels = (Spot *)(maps + plan->lead);
        Lot lot = {.pixels = list_channels(plan, channels)};
        for (ptrdiff_t unit = slot * plan->units / plan->slots; unit < (slot + 1) * plan->units / plan->slots; unit++) {
            const ptrdiff_t group = unit / plan->shares % plan->groups, block = unit / plan->shares / plan->groups;
            const ptrdiff_t begin = unit % plan->shares * plan->share;
            const ptrdiff_t stop = least_of(begin + plan->share, plan->outputs);
            const ptrdiff_t last = least_of((block + 1) * plan->block, lots * plan->bands);
            REAL *partial = (REAL *)plan->partials + (block * plan->groups + group) * window * of_place;
            for (ptrdiff_t place = 0; place < window; place++)
                memset(partial + place * of_place + begin * plan->sources, 0,
                       round_up(stop - begin, HALF) * plan->sources * sizeof(REAL));
            for (ptrdiff_t i = block * plan->block; i < last; i++) {
                go_to(plan, &lot, i % lots * plan->lot, i / lots * plan->band);
                LOOP(gradient_of_lot)(plan, &lot, group, begin, stop, planes, maps, channels, partial);
            }
        }
    }
}

/* Add up the blocks' gradients by the weights of some channels, of all groups, and put them where they belong. */
static void LOOP(add_strips)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Plan *plan = context;
    const ptrdiff_t window = plan->rows.kernel * plan->pixels.kernel, padded = LOOP(padded)(plan);
    const ptrdiff_t size = plan->groups * window * padded * plan->sources;
    for (ptrdiff_t unit = first; unit < end; unit++)
        for (ptrdiff_t m = 0, width; m < plan->outputs; m += width) {
            const ptrdiff_t group = unit / plan->sources, channel = unit % plan->sources;
            width = LOOP(width)(plan->outputs - m);
            for (ptrdiff_t place = 0; place < window; place++) {
                const REAL *partial = (const REAL *)plan->partials
                                      + ((group * window + place) * padded + m) * plan->sources + channel * width;
                REAL sums[STRIP];
                for (ptrdiff_t t = 0; t < width; t++)
                    sums[t] = partial[t];
                for (ptrdiff_t block = 1; block < plan->blocks; block++)
                    for (ptrdiff_t t = 0; t < width; t++)
                        sums[t] += partial[block * size + t];
                REAL *out = (REAL *)plan->out + (group * plan->outputs + m) * plan->taps + channel * window + place;
                for (ptrdiff_t t = 0; t < width && m + t < plan->outputs; t++)
                    out[t * plan->taps] = sums[t];
            }
        }
}

#undef STRIP
#undef HALF
#undef HEIGHT
#undef HALF_HEIGHT
