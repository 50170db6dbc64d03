/* The loops of normalization.c for channels of few places, which are the columns of a matrix: see
 * normalization_loops.h.
 *
 * COLUMNS of them are added up at a time, for some rows in the dtype, and these sums in float64.
 */
/* Add to `sums` those of `width` columns of x, whose rows are `stride` apart. */
static inline void LOOP(add_columns)(const REAL *x, ptrdiff_t rows, ptrdiff_t stride, int width, double *restrict sums)
{
    for (ptrdiff_t start = 0; start < rows; start += MOST_ROWS) {
        ptrdiff_t stop = rows - start < MOST_ROWS ? rows : start + MOST_ROWS;
        REAL s[COLUMNS] = {0};
        for (ptrdiff_t n = start; n < stop; n++)
            for (int l = 0; l < width; l++)
                s[l] += x[n * stride + l];
        for (int l = 0; l < width; l++)
            sums[l] += s[l];
    }
}

/* The same of x - shift, and of its square. */
static inline void LOOP(add_column_moments)(const REAL *x, const REAL *restrict shift, ptrdiff_t rows, ptrdiff_t stride,
                                            int width, double *restrict sums, double *restrict squares)
{
    for (ptrdiff_t start = 0; start < rows; start += MOST_ROWS) {
        ptrdiff_t stop = rows - start < MOST_ROWS ? rows : start + MOST_ROWS;
        REAL s[COLUMNS] = {0}, q[COLUMNS] = {0};
        for (ptrdiff_t n = start; n < stop; n++)
            for (int l = 0; l < width; l++) {
                REAL d = x[n * stride + l] - shift[l];
                s[l] += d;
                q[l] += d * d;
            }
        for (int l = 0; l < width; l++) {
            sums[l] += s[l];
            squares[l] += q[l];
        }
    }
}

/* The same of dy, and of dy times what x is above its mean. */
static inline void LOOP(add_column_products)(const REAL *dy, const REAL *x, const REAL *restrict mean,
                                             const REAL *restrict rest, ptrdiff_t rows, ptrdiff_t stride, int width,
                                             double *restrict sums, double *restrict products)
{
    for (ptrdiff_t start = 0; start < rows; start += MOST_ROWS) {
        ptrdiff_t stop = rows - start < MOST_ROWS ? rows : start + MOST_ROWS;
        REAL s[COLUMNS] = {0}, p[COLUMNS] = {0};
        for (ptrdiff_t n = start; n < stop; n++)
            for (int l = 0; l < width; l++) {
                REAL d = dy[n * stride + l];
                s[l] += d;
                p[l] += d * (x[n * stride + l] - mean[l] - rest[l]);
            }
        for (int l = 0; l < width; l++) {
            sums[l] += s[l];
            products[l] += p[l];
        }
    }
}

/* The sums of each channel's columns, in place of them. */
static inline void LOOP(sum_places)(double *sums, int channels, int places)
{
    for (int k = 0; places > 1 && k < channels; k++) {
        double sum = 0;
        for (int l = 0; l < places; l++)
            sum += sums[k * places + l];
        sums[k] = sum;
    }
}

/* The number of each channel for each of its columns, from `values` to `columns`. */
static inline void LOOP(spread)(const REAL *values, int width, int places, REAL *restrict columns)
{
    if (places == 1)
        for (int l = 0; l < width; l++)
            columns[l] = values[l];
    else
        for (int l = 0; l < width; l++)
            columns[l] = values[l / places];
}

/* Channels `first` to `end` of few places, which are columns: some at a time are brought through all samples. */
static void LOOP(batch_columns)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Norm *norm = context;
    int places = (int)norm->places, most = COLUMNS / places;
    ptrdiff_t stride = norm->channels * places;
    double count = (double)norm->samples * places;
    for (ptrdiff_t c = first; c < end; c += most) {
        int channels = end - c < most ? (int)(end - c) : most, width = channels * places;
        const REAL *x = (const REAL *)norm->x + c * places, *statistics = (const REAL *)norm->statistics + c;
        double sums[COLUMNS] = {0}, squares[COLUMNS] = {0};
        REAL shift[COLUMNS], mean[COLUMNS], rest[COLUMNS], factor[COLUMNS], bias[COLUMNS];
        if (width == COLUMNS)
            LOOP(add_columns)(x, norm->samples, stride, COLUMNS, sums);
        else
            LOOP(add_columns)(x, norm->samples, stride, width, sums);
        LOOP(sum_places)(sums, channels, places);
        for (int k = 0; k < channels; k++)
            shift[k] = (REAL)(sums[k] / count);
        LOOP(spread)(shift, width, places, mean);
        for (int l = 0; l < COLUMNS; l++)
            sums[l] = 0;
        if (width == COLUMNS)
            LOOP(add_column_moments)(x, mean, norm->samples, stride, COLUMNS, sums, squares);
        else
            LOOP(add_column_moments)(x, mean, norm->samples, stride, width, sums, squares);
        LOOP(sum_places)(sums, channels, places);
        LOOP(sum_places)(squares, channels, places);
        for (int k = 0; k < channels; k++)
            LOOP(conclude)(norm, c + k, shift[k], sums[k], squares[k], count);
        for (int k = 0; k < channels; k++)
            shift[k] = statistics[3 * norm->rows + k] * ((const REAL *)norm->weight)[c + k];
        LOOP(spread)(statistics, width, places, mean);
        LOOP(spread)(statistics + norm->rows, width, places, rest);
        LOOP(spread)(shift, width, places, factor);
        LOOP(spread)((const REAL *)norm->bias + c, width, places, bias);
        for (ptrdiff_t n = 0; n < norm->samples; n++) {
            REAL *restrict y = (REAL *)norm->out + n * stride + c * places;
            for (int l = 0; l < width; l++)
                y[l] = (x[n * stride + l] - mean[l] - rest[l]) * factor[l] + bias[l];
        }
    }
}

static void LOOP(batch_columns_backward)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Norm *norm = context;
    int places = (int)norm->places, most = COLUMNS / places;
    ptrdiff_t stride = norm->channels * places;
    double count = (double)norm->samples * places;
    for (ptrdiff_t c = first; c < end; c += most) {
        int channels = end - c < most ? (int)(end - c) : most, width = channels * places;
        const REAL *x = (const REAL *)norm->x + c * places, *dy = (const REAL *)norm->dy + c * places;
        const REAL *statistics = (const REAL *)norm->statistics + c;
        double sums[COLUMNS] = {0}, products[COLUMNS] = {0};
        REAL mean[COLUMNS], rest[COLUMNS], factor[COLUMNS], of_dy[COLUMNS], of_x[COLUMNS], values[3][COLUMNS];
        LOOP(spread)(statistics, width, places, mean);
        LOOP(spread)(statistics + norm->rows, width, places, rest);
        if (width == COLUMNS)
            LOOP(add_column_products)(dy, x, mean, rest, norm->samples, stride, COLUMNS, sums, products);
        else
            LOOP(add_column_products)(dy, x, mean, rest, norm->samples, stride, width, sums, products);
        LOOP(sum_places)(sums, channels, places);
        LOOP(sum_places)(products, channels, places);
        for (int k = 0; k < channels; k++) {
            REAL inverse_deviation = statistics[3 * norm->rows + k];
            double product = products[k] * inverse_deviation;
            ((REAL *)norm->bias_gradient)[c + k] = (REAL)sums[k];
            ((REAL *)norm->weight_gradient)[c + k] = (REAL)product;
            values[0][k] = inverse_deviation * ((const REAL *)norm->weight)[c + k];
            values[1][k] = (REAL)(sums[k] / count);
            values[2][k] = (REAL)(product * inverse_deviation / count);
        }
        if (!norm->out)
            continue;
        LOOP(spread)(values[0], width, places, factor);
        LOOP(spread)(values[1], width, places, of_dy);
        LOOP(spread)(values[2], width, places, of_x);
        for (ptrdiff_t n = 0; n < norm->samples; n++) {
            const REAL *upper = dy + n * stride, *numbers = x + n * stride;
            REAL *dx = (REAL *)norm->out + n * stride + c * places;
            for (int l = 0; l < width; l++)
                dx[l] = factor[l] * (upper[l] - of_dy[l] - (numbers[l] - mean[l] - rest[l]) * of_x[l]);
        }
    }
}

/* Samples `first` to `end`. */
static void LOOP(inference_columns)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Norm *norm = context;
    ptrdiff_t channels = norm->channels;
    for (ptrdiff_t c = 0; c < channels; c += COLUMNS) {
        int width = channels - c < COLUMNS ? (int)(channels - c) : COLUMNS;
        const REAL *mean = (const REAL *)norm->mean + c, *bias = (const REAL *)norm->bias + c;
        REAL factor[COLUMNS];
        for (int l = 0; l < width; l++)
            factor[l] = ((const REAL *)norm->weight)[c + l]
                        / (REAL)sqrt(((const REAL *)norm->variance)[c + l] + (REAL)norm->eps);
        for (ptrdiff_t n = first; n < end; n++) {
            const REAL *x = (const REAL *)norm->x + n * channels + c;
            REAL *restrict y = (REAL *)norm->out + n * channels + c;
            for (int l = 0; l < width; l++)
                y[l] = (x[l] - mean[l]) * factor[l] + bias[l];
        }
    }
}
