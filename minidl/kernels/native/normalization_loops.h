/* The loops of normalization.c, for REAL and LOOP(name): see levels.h. */
#include "sums.h"

ROW_SUMS(add_numbers, NUMBERS)
ROW_SUMS(add_moments, MOMENTS)
ROW_SUMS(add_deviations, DEVIATIONS)

/* Write the statistics of row `k`, from the sums of x - shift and its square over `count` numbers. */
static inline void LOOP(conclude)(const Norm *norm, ptrdiff_t k, REAL shift, double sum, double square, double count)
{
    REAL *statistics = (REAL *)norm->statistics + k;
    double rest = sum / count, variance = (square - sum * rest) / count;
    rest = rest - rest == 0 ? rest : 0; /* what is not finite leaves the mean as it is */
    REAL mean = (REAL)(shift + rest);
    statistics[0] = mean;
    statistics[norm->rows] = (REAL)(shift - mean + rest);
    statistics[2 * norm->rows] = (REAL)(variance < 0 ? 0 : variance);
    statistics[3 * norm->rows] = (REAL)(1 / sqrt((variance < 0 ? 0 : variance) + norm->eps));
}

/* The statistics of `times` rows of `count` numbers each, `stride` apart. */
static inline void LOOP(measure)(const Norm *norm, ptrdiff_t k, const REAL *x, ptrdiff_t times, ptrdiff_t stride,
                                 ptrdiff_t count)
{
    double sum = 0, moments[2] = {0}, numbers = (double)times * (double)count;
    LOOP(add_numbers)(x, x, 0, 0, times, stride, count, &sum);
    REAL shift = (REAL)(sum / numbers);
    LOOP(add_moments)(x, x, shift, 0, times, stride, count, moments);
    LOOP(conclude)(norm, k, shift, moments[0], moments[1], numbers);
}

/* (x - mean) * factor + bias, for a row with the same numbers. */
static inline void LOOP(scale_row)(const REAL *x, REAL mean, REAL rest, REAL factor, REAL bias, ptrdiff_t count,
                                   REAL *y)
{
    for (ptrdiff_t i = 0; i < count; i++)
        y[i] = (x[i] - mean - rest) * factor + bias;
}

/* Channels `first` to `end` of images: each is a row in every sample. */
static void LOOP(batch_channels)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Norm *norm = context;
    ptrdiff_t places = norm->places, stride = norm->channels * places;
    for (ptrdiff_t c = first; c < end; c++) {
        const REAL *x = (const REAL *)norm->x + c * places, *statistics = (const REAL *)norm->statistics + c;
        REAL *y = (REAL *)norm->out + c * places;
        LOOP(measure)(norm, c, x, norm->samples, stride, places);
        REAL factor = statistics[3 * norm->rows] * ((const REAL *)norm->weight)[c];
        for (ptrdiff_t n = 0; n < norm->samples; n++)
            LOOP(scale_row)(x + n * stride, statistics[0], statistics[norm->rows], factor,
                            ((const REAL *)norm->bias)[c], places, y + n * stride);
    }
}

static void LOOP(batch_channels_backward)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Norm *norm = context;
    ptrdiff_t places = norm->places, stride = norm->channels * places;
    double count = (double)norm->samples * (double)places;
    for (ptrdiff_t c = first; c < end; c++) {
        const REAL *x = (const REAL *)norm->x + c * places, *dy = (const REAL *)norm->dy + c * places;
        const REAL *statistics = (const REAL *)norm->statistics + c;
        REAL mean = statistics[0], rest = statistics[norm->rows], inverse_deviation = statistics[3 * norm->rows];
        double sums[2] = {0};
        LOOP(add_deviations)(dy, x, mean, rest, norm->samples, stride, places, sums);
        double sum = sums[0], product = sums[1] * inverse_deviation;
        ((REAL *)norm->bias_gradient)[c] = (REAL)sum;
        ((REAL *)norm->weight_gradient)[c] = (REAL)product;
        if (!norm->out)
            continue;
        REAL factor = inverse_deviation * ((const REAL *)norm->weight)[c];
        REAL of_dy = (REAL)(sum / count), of_x = (REAL)(product * inverse_deviation / count);
        for (ptrdiff_t n = 0; n < norm->samples; n++) {
            const REAL *upper = dy + n * stride, *numbers = x + n * stride;
            REAL *dx = (REAL *)norm->out + c * places + n * stride;
            for (ptrdiff_t i = 0; i < places; i++)
                dx[i] = factor * (upper[i] - of_dy - (numbers[i] - mean - rest) * of_x);
        }
    }
}

/* Rows `first` to `end` of samples and channels. */
static void LOOP(inference_channels)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Norm *norm = context;
    ptrdiff_t places = norm->places;
    for (ptrdiff_t row = first; row < end; row++) {
        ptrdiff_t c = row % norm->channels;
        REAL deviation = (REAL)sqrt(((const REAL *)norm->variance)[c] + (REAL)norm->eps);
        LOOP(scale_row)((const REAL *)norm->x + row * places, ((const REAL *)norm->mean)[c], 0,
                        ((const REAL *)norm->weight)[c] / deviation, ((const REAL *)norm->bias)[c], places,
                        (REAL *)norm->out + row * places);
    }
}

/* Groups `first` to `end` of all samples' groups: each is one row. */
static void LOOP(groups)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Norm *norm = context;
    ptrdiff_t places = norm->places, channels = norm->channels / norm->groups, size = channels * places;
    for (ptrdiff_t row = first; row < end; row++) {
        ptrdiff_t c = row % norm->groups * channels;
        const REAL *x = (const REAL *)norm->x + row * size, *statistics = (const REAL *)norm->statistics + row;
        const REAL *weight = (const REAL *)norm->weight + c, *bias = (const REAL *)norm->bias + c;
        REAL *restrict y = (REAL *)norm->out + row * size;
        LOOP(measure)(norm, row, x, 1, size, size);
        REAL mean = statistics[0], rest = statistics[norm->rows], inverse_deviation = statistics[3 * norm->rows];
        if (places == 1)
            for (ptrdiff_t i = 0; i < channels; i++)
                y[i] = (x[i] - mean - rest) * inverse_deviation * weight[i] + bias[i];
        else
            for (ptrdiff_t i = 0; i < channels; i++)
                LOOP(scale_row)(x + i * places, mean, rest, inverse_deviation * weight[i], bias[i], places,
                                y + i * places);
    }
}

/* A group of one place: what its sums are of dy * weight and of that times what x is above its mean, while the
 * parts of the parameters' gradients are added to `by_bias` and `by_weight`. */
static inline void LOOP(group_sums)(const REAL *dy, const REAL *x, const REAL *weight, const REAL *statistics,
                                    ptrdiff_t rows, ptrdiff_t count, REAL *restrict by_bias, REAL *restrict by_weight,
                                    double *sum, double *product)
{
    REAL mean = statistics[0], rest = statistics[rows], inverse_deviation = statistics[3 * rows];
    *sum = *product = 0;
    for (ptrdiff_t start = 0; start < count; start += RUN) {
        const ptrdiff_t end = least_of(start + RUN, count), left = (end - start) % SUMS;
        LOOP(Vector) sums[SUMS / ACROSS], products[SUMS / ACROSS];
        UNROLL
        for (int v = 0; v < SUMS / ACROSS; v++)
            sums[v] = products[v] = (LOOP(Vector)){0};
        if (left) {
            REAL first[SUMS] = {0}, second[SUMS] = {0};
            for (ptrdiff_t l = 0, i = start; l < left; l++, i++) {
                REAL d = dy[i], normal = (x[i] - mean - rest) * inverse_deviation;
                by_bias[i] += d;
                by_weight[i] += d * normal;
                first[l] = d * weight[i];
                second[l] = first[l] * normal;
            }
            UNROLL
            for (int v = 0; v < SUMS / ACROSS; v++) {
                sums[v] = LOOP(load_vector)(first + v * ACROSS);
                products[v] = LOOP(load_vector)(second + v * ACROSS);
            }
        }
        for (ptrdiff_t next = start + left; next < end; next += SUMS)
            UNROLL
            for (int v = 0; v < SUMS / ACROSS; v++) {
                const ptrdiff_t i = next + v * ACROSS;
                const LOOP(Vector) d = LOOP(load_vector)(dy + i), scaled = d * LOOP(load_vector)(weight + i);
                const LOOP(Vector) normal = (LOOP(load_vector)(x + i) - mean - rest) * inverse_deviation;
                LOOP(store_vector)(LOOP(load_vector)(by_bias + i) + d, by_bias + i);
                LOOP(store_vector)(LOOP(load_vector)(by_weight + i) + d * normal, by_weight + i);
                sums[v] += scaled;
                products[v] += scaled * normal;
            }
        *sum += LOOP(fold)(sums);
        *product += LOOP(fold)(products);
    }
}

/* The same of a group whose channels have several places. */
static inline void LOOP(group_place_sums)(const REAL *dy, const REAL *x, const REAL *weight, const REAL *statistics,
                                          ptrdiff_t rows, ptrdiff_t channels, ptrdiff_t places, REAL *by_bias,
                                          REAL *by_weight, double *sum, double *product)
{
    *sum = *product = 0;
    for (ptrdiff_t i = 0; i < channels; i++) {
        double sums[2] = {0};
        LOOP(add_deviations)(dy + i * places, x + i * places, statistics[0], statistics[rows], 1, 0, places, sums);
        double of_dy = sums[0], of_x = sums[1] * statistics[3 * rows];
        by_bias[i] += (REAL)of_dy;
        by_weight[i] += (REAL)of_x;
        *sum += of_dy * weight[i];
        *product += of_x * weight[i];
    }
}

/* Blocks `first` to `end` of samples. */
static void LOOP(groups_backward)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Norm *norm = context;
    ptrdiff_t places = norm->places, channels = norm->channels / norm->groups, size = channels * places;
    ptrdiff_t of_block = norm->block * norm->groups, all = norm->rows < end * of_block ? norm->rows : end * of_block;
    for (ptrdiff_t row = first * of_block; row < all; row++) {
        ptrdiff_t c = row % norm->groups * channels;
        const REAL *x = (const REAL *)norm->x + row * size, *dy = (const REAL *)norm->dy + row * size;
        const REAL *weight = (const REAL *)norm->weight + c, *statistics = (const REAL *)norm->statistics + row;
        REAL *by_bias = (REAL *)norm->partial + row / of_block * 2 * norm->channels + c;
        double sum, product;
        if (places == 1)
            LOOP(group_sums)(dy, x, weight, statistics, norm->rows, channels, by_bias, by_bias + norm->channels, &sum,
                             &product);
        else
            LOOP(group_place_sums)(dy, x, weight, statistics, norm->rows, channels, places, by_bias,
                                   by_bias + norm->channels, &sum, &product);
        if (!norm->out)
            continue;
        REAL mean = statistics[0], rest = statistics[norm->rows], inverse_deviation = statistics[3 * norm->rows];
        REAL of_dy = (REAL)(sum / (double)size), of_x = (REAL)(product * inverse_deviation / (double)size);
        REAL *dx = (REAL *)norm->out + row * size;
        if (places == 1)
            for (ptrdiff_t i = 0; i < size; i++)
                dx[i] = inverse_deviation * (dy[i] * weight[i] - of_dy - (x[i] - mean - rest) * of_x);
        else
            for (ptrdiff_t i = 0; i < channels; i++)
                for (ptrdiff_t l = i * places; l < (i + 1) * places; l++)
                    dx[l] = inverse_deviation * (dy[l] * weight[i] - of_dy - (x[l] - mean - rest) * of_x);
    }
}

/* The parameters' gradients from those of all blocks. */
static void LOOP(add_blocks)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Norm *norm = context;
    const REAL *partial = norm->partial;
    for (ptrdiff_t c = 0; c < norm->channels; c++) {
        double by_bias = 0, by_weight = 0;
        for (ptrdiff_t block = first; block < end; block++) {
            by_bias += partial[2 * block * norm->channels + c];
            by_weight += partial[(2 * block + 1) * norm->channels + c];
        }
        ((REAL *)norm->bias_gradient)[c] = (REAL)by_bias;
        ((REAL *)norm->weight_gradient)[c] = (REAL)by_weight;
    }
}

static void LOOP(move)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Norm *norm = context;
    const REAL *statistics = norm->statistics, share = (REAL)norm->share, unbiased = (REAL)norm->unbiased;
    REAL *mean = norm->weight_gradient, *variance = norm->bias_gradient;
    REAL finite = 0; /* as zero times anything that is finite */
    for (ptrdiff_t i = first; i < end; i++)
        finite += statistics[2 * end + i] * 0;
    if (finite != 0)
        return;
    for (ptrdiff_t i = first; i < end; i++) {
        mean[i] += share * (statistics[i] - mean[i]);
        variance[i] += share * (statistics[2 * end + i] * unbiased - variance[i]);
    }
}
