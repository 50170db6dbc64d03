/* The product of two matrices, which is compiled for each kind of CPU but the oldest: see products.c and levels.h.
 *
 * Before tiles of the result are computed, as products_tiles.h does, A and B are copied into panels in which the
 * numbers of a step lie side by side; where the result has few columns, A is read as it lies. Each number of the
 * result is added up in the same order whatever part of it is computed at once, so that it does not depend on the
 * number of threads.
 */

/* The vectors of the next strip where so many columns are left: two and two are faster than three and one. */
static inline int LOOP(vectors)(ptrdiff_t left)
{
    return left > 4 * WIDE ? 3 : left > 3 * WIDE ? 2 : (int)divide_up(left, WIDE);
}

/* Copy whole panels whose numbers of a step lie side by side. */
INLINE void LOOP(copy)(const int panels, const int width, const REAL *from, ptrdiff_t further, ptrdiff_t steps,
                       REAL *restrict to)
{
    for (ptrdiff_t step = 0; step < steps; step++)
        UNROLL
        for (int panel = 0; panel < panels; panel++)
            UNROLL
            for (int i = 0; i < width; i++)
                to[(panel * steps + step) * width + i] = from[step * further + panel * width + i];
}

/* Copy `count` rows (or columns) into panels of `width`: (panel, step, row). Steps lie `further`, rows `apart`. */
INLINE void LOOP(pack)(const int width, const REAL *from, ptrdiff_t further, ptrdiff_t apart, ptrdiff_t count,
                       ptrdiff_t steps, REAL *restrict to)
{
    for (ptrdiff_t at = 0; at < count; at += width, to += width * steps)
        if (apart != 1)
            for (int i = 0; i < width; i += 4) { /* rows of neighbouring steps: four of them are interleaved */
                const REAL *rows[4];
                for (int j = 0; j < 4; j++)
                    rows[j] = from + least_of(at + i + j, count - 1) * apart;
                const REAL *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3];
                for (ptrdiff_t step = 0; step < steps; step += SOME) {
                    const ptrdiff_t some = least_of(SOME, steps - step);
                    REAL four[4 * SOME], *out = to + step * width + i;
                    for (ptrdiff_t k = 0; k < some; k++) {
                        four[4 * k] = a[step + k];
                        four[4 * k + 1] = b[step + k];
                        four[4 * k + 2] = c[step + k];
                        four[4 * k + 3] = d[step + k];
                    }
                    for (ptrdiff_t k = 0; k < some; k++)
                        UNROLL
                        for (int j = 0; j < 4; j++)
                            out[k * width + j] = four[4 * k + j];
                }
            }
        else if (count - at >= 4 * width) { /* four panels at once, for these share lines of the cache */
            LOOP(copy)(4, width, from + at, further, steps, to);
            at += 3 * width;
            to += 3 * width * steps;
        } else if (count - at >= width)
            LOOP(copy)(1, width, from + at, further, steps, to);
        else
            for (ptrdiff_t step = 0; step < steps; step++)
                VECTORS_FIRST
                for (int i = 0; i < width; i++)
                    to[step * width + i] = i < (int)(count - at) ? from[step * further + at + i] : 0;
}

static NOT_INLINE void LOOP(pack_rows)(const REAL *from, ptrdiff_t further, ptrdiff_t apart, ptrdiff_t count,
                                       ptrdiff_t steps, REAL *to)
{
    LOOP(pack)(HEIGHT, from, further, apart, count, steps, to);
}

static NOT_INLINE void LOOP(pack_columns)(const REAL *from, ptrdiff_t further, ptrdiff_t apart, ptrdiff_t count,
                                          ptrdiff_t steps, REAL *to)
{
    LOOP(pack)(WIDE, from, further, apart, count, steps, to);
}

/* Pack columns of B, of which the last `few` are not part of a panel. */
static void LOOP(pack_strip)(const Product *product, const REAL *from, ptrdiff_t columns, ptrdiff_t few,
                             ptrdiff_t steps, REAL *to)
{
    const ptrdiff_t whole = columns - few, apart = product->b_apart, further = product->b_further;
    if (whole)
        LOOP(pack_columns)(from, further, apart, whole, steps, to);
    for (ptrdiff_t column = whole; column < columns; column++)
        for (ptrdiff_t step = 0; step < steps; step++)
            to[column * steps + step] = from[column * apart + step * further];
}

/* Where the steps from `k` on are of what all parts share. */
static inline REAL *LOOP(shared)(const Product *product, ptrdiff_t k)
{
    return (REAL *)product->shared + k * packed_side(product);
}

/* Pack it, from block `first` to `end` of so many rows or columns. */
static void LOOP(pack_shared)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Product *product = context;
    const ptrdiff_t size = whole_side(product), from = first * SHARE;
    const ptrdiff_t to = least_of(end * SHARE, size), few = to < size ? 0 : product->few;
    for (ptrdiff_t k = 0; k < product->inner; k += product->depth) {
        const ptrdiff_t steps = least_of(product->depth, product->inner - k);
        const REAL *a = (const REAL *)product->a + from * product->a_apart + k * product->a_further;
        const REAL *b = (const REAL *)product->b + from * product->b_apart + k * product->b_further;
        REAL *packed = LOOP(shared)(product, k) + from * steps;
        if (product->by_columns)
            LOOP(pack_rows)(a, product->a_further, product->a_apart, to - from, steps, packed);
        else
            LOOP(pack_strip)(product, b, to - from, few, steps, packed);
    }
}

/* Bring some runs of what will be packed next into the cache: steps, or columns where these lie together. */
static inline void LOOP(fetch)(const Product *product, const REAL *from, ptrdiff_t steps, ptrdiff_t first,
                               ptrdiff_t count)
{
    const int in_rows = product->b_apart == 1;
    const ptrdiff_t end = least_of(first + count, in_rows ? steps : STRIP), length = in_rows ? STRIP : steps;
    const ptrdiff_t distance = in_rows ? product->b_further : product->b_apart;
    for (ptrdiff_t run = first; run < end; run++)
        for (ptrdiff_t i = 0; i < length; i += LINE / (ptrdiff_t)sizeof(REAL))
            FETCH(from + run * distance + i, FIRST);
}

/* Add the products of `strip.steps` steps to a block of the result, whose rows and first column `strip` tells. */
static void LOOP(add_block)(const Product *product, LOOP(Strip) strip, const REAL *b, ptrdiff_t columns, REAL *strips,
                            int b_is_packed, const REAL *after)
{
    const ptrdiff_t whole = columns - (product->few ? columns % WIDE : 0), steps = strip.steps;
    const ptrdiff_t tiles = divide_up(strip.rows, HEIGHT);
    /* The rows of a tall tile must not displace each other in the cache. */
    const int may_be_tall = strip.a_is_packed || strip.a_apart * sizeof(REAL) % SHARING_BYTES;
    /* Nor those of B that are fetched: they would be gone before they are packed. */
    const int may_fetch = !product->is_thin && !b_is_packed
                          && (product->b_apart != 1 || product->b_further * sizeof(REAL) % SHARING_BYTES);
    for (ptrdiff_t j = 0; j < columns; j += strip.columns) {
        const int vectors = j < whole ? LOOP(vectors)(whole - j) : 0;
        const REAL *from = b + j * product->b_apart, *next = NULL;
        strip.columns = vectors ? least_of(vectors * WIDE, whole - j) : 1;
        if (product->is_thin && strip.columns == vectors * WIDE) {
            strip.b = from; /* as it lies, for few rows do not repay a copy */
            strip.b_further = product->b_further;
            strip.b_apart = WIDE;
        } else {
            REAL *packed = strips + (product->keeps || b_is_packed ? j * steps : 0);
            if (!b_is_packed)
                LOOP(pack_strip)(product, from, strip.columns, !vectors, steps, packed);
            strip.b = packed;
            strip.b_further = WIDE;
            strip.b_apart = WIDE * steps;
            if (may_fetch)
                next = j + strip.columns < columns ? from + strip.columns * product->b_apart : after;
        }
        if (!vectors)
            (strip.a_is_packed ? LOOP(add_column_packed) : LOOP(add_column))(&strip);
        const ptrdiff_t runs = next ? divide_up(product->b_apart == 1 ? steps : STRIP, tiles) : 0;
        for (ptrdiff_t row = 0, fetched = 0, height; vectors && row < strip.rows; row += height, fetched += runs) {
            const int is_tall = may_be_tall && vectors == 1 && strip.rows - row >= PANELS * HEIGHT;
            height = is_tall ? PANELS * HEIGHT : HEIGHT;
            if (runs)
                LOOP(fetch)(product, next, steps, fetched, runs);
            LOOP(tiles)[is_tall ? 0 : vectors][strip.a_is_packed](&strip, row);
        }
        strip.c += strip.columns;
        strip.before = strip.before ? strip.before + strip.columns : NULL;
        strip.bias = strip.bias ? strip.bias + strip.columns : NULL;
    }
}

/* c += a B for a single row and so many steps, with B as it lies. */
INLINE void LOOP(add_steps)(const int steps, const REAL *a, const REAL *b, ptrdiff_t further, ptrdiff_t columns,
                            REAL *restrict c)
{
    for (ptrdiff_t i = 0; i < columns; i++) {
        REAL sum = c[i];
        UNROLL
        for (int k = 0; k < steps; k++)
            sum = TIMES(a[k], b[k * further + i], sum);
        c[i] = sum;
    }
}

/* Add the bias to a sum, and take the larger one of that and 0, where they are wanted. */
static inline void LOOP(finish)(const Product *product, const REAL *bias, ptrdiff_t columns, REAL *restrict c)
{
    for (ptrdiff_t i = 0; bias && i < columns; i++) {
        const REAL sum = c[i] + bias[i];
        c[i] = product->rectifies && sum <= 0 ? 0 : sum; /* NaN stays */
    }
}

static void LOOP(multiply_row)(const REAL *a, const REAL *b, ptrdiff_t further, ptrdiff_t steps, ptrdiff_t columns,
                               REAL *restrict c)
{
    ptrdiff_t k = 0;
    memset(c, 0, columns * sizeof(REAL));
    for (; k + 4 <= steps; k += 4) /* so that the result is read and written a quarter as often */
        LOOP(add_steps)(4, a + k, b + k * further, further, columns, c);
    for (; k < steps; k++)
        LOOP(add_steps)(1, a + k, b + k * further, further, columns, c);
}

/* c = a B for sums of a single step, row after row: they take as long as the result takes to be written. */
static void LOOP(multiply_step)(const Product *product, const REAL *a, const REAL *b, ptrdiff_t rows,
                                ptrdiff_t columns, REAL *restrict c)
{
    for (ptrdiff_t row = 0; row < rows; row++, a += product->a_apart, c += product->columns)
        for (ptrdiff_t i = 0; i < columns; i++)
            c[i] = *a * b[i];
}

/* The sum over one section for parts `first` to `end` of the result, which are rows or columns, in one. */
static void LOOP(multiply_section)(const Product *product, ptrdiff_t section, ptrdiff_t first, ptrdiff_t end,
                                   REAL *memory)
{
    const ptrdiff_t side = divided_side(product), depth = product->depth;
    const ptrdiff_t from = least_of(first * product->part, side), to = least_of(end * product->part, side);
    const ptrdiff_t row = product->by_columns ? 0 : from, column = product->by_columns ? from : 0;
    const ptrdiff_t rows = product->by_columns ? product->rows : to - from;
    const ptrdiff_t columns = product->by_columns ? to - from : product->columns;
    const ptrdiff_t start = section * product->section, stop = least_of(start + product->section, product->inner);
    const REAL *a = (const REAL *)product->a + row * product->a_apart;
    const REAL *b = (const REAL *)product->b + column * product->b_apart;
    REAL *result = section ? (REAL *)product->others + (section - 1) * product->rows * product->columns : product->c;
    REAL *c = result + row * product->columns + column, *panels = memory, *sums = panels + product->panels;
    REAL *strips = sums + (end - first) * product->sums;
    const ptrdiff_t before_apart = product->sums ? round_up(columns, LINE / sizeof(REAL)) : product->columns;
    const REAL *bias = product->bias && product->sections == 1 ? (const REAL *)product->bias + column : NULL;
    if (from >= to)
        return;
    if (product->rows == 1 && product->a_further == 1 && product->b_apart == 1) {
        LOOP(multiply_row)(a + start, b + start * product->b_further, product->b_further, stop - start, columns, c);
        LOOP(finish)(product, bias, columns, c);
        return;
    }
    if (product->inner == 1 && product->b_apart == 1 && !bias) {
        LOOP(multiply_step)(product, a, b, rows, columns, c);
        return;
    }
    const int a_is_packed = product->a_is_packed, shares_a = product->shares && product->by_columns,
              shares_b = product->shares && !product->by_columns;
    for (ptrdiff_t k = start; k < stop; k += depth) {
        const REAL *block = b + k * product->b_further;
        const int is_last = k + depth >= stop;
        const REAL *after = is_last ? NULL : block + depth * product->b_further;
        LOOP(Strip) strip = {.steps = least_of(depth, stop - k), .a_is_packed = a_is_packed,
                             .lead = is_last ? product->columns : before_apart, .before_apart = before_apart,
                             .bias = is_last ? bias : NULL, .rectifies = is_last && bias && product->rectifies};
        strip.a_apart = a_is_packed ? strip.steps : product->a_apart;
        strip.a_further = product->a_further;
        for (ptrdiff_t i = 0; i < rows; i += product->high) {
            const REAL *lines = a + i * product->a_apart + k * product->a_further;
            strip.rows = least_of(product->high, rows - i);
            REAL *out = c + i * product->columns, *kept = product->sums ? sums + i * before_apart : out;
            strip.c = is_last ? out : kept;
            strip.before = k > start ? kept : NULL;
            strip.a = shares_a ? LOOP(shared)(product, k) + i * strip.steps : a_is_packed ? panels : lines;
            if (a_is_packed && !shares_a)
                LOOP(pack_rows)(lines, product->a_further, product->a_apart, strip.rows, strip.steps, panels);
            LOOP(add_block)(product, strip, block, columns, shares_b ? LOOP(shared)(product, k) : strips,
                            shares_b || (i && product->keeps),
                            i + strip.rows == rows ? after : product->keeps ? NULL : block);
        }
    }
}

/* Parts `first` to `end`, which are those of one section after the other, or else of all sections together. */
static void LOOP(multiply)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Product *product = context;
    const ptrdiff_t parts = product->of_section;
    REAL *memory = (REAL *)((char *)product->memory + first * product->room);
    if (parts)
        for (ptrdiff_t part = first; part < end; part++)
            LOOP(multiply_section)(product, part / parts, part % parts, part % parts + 1, memory);
    else
        for (ptrdiff_t section = 0; section < product->sections; section++)
            LOOP(multiply_section)(product, section, first, end, memory);
}

/* Add the other sections' sums to those of the first one, in rows `first` to `end` of the result. */
static void LOOP(add_sections)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Product *product = context;
    const ptrdiff_t columns = product->columns;
    for (ptrdiff_t row = first; row < end; row++) {
        REAL *restrict c = (REAL *)product->c + row * columns;
        for (ptrdiff_t section = 1; section < product->sections; section++) {
            const REAL *other = (const REAL *)product->others + ((section - 1) * product->rows + row) * columns;
            for (ptrdiff_t i = 0; i < columns; i++)
                c[i] += other[i];
        }
        LOOP(finish)(product, product->bias, columns, c);
    }
}

#undef HEIGHT
#undef PANELS
#undef STRIP
#undef FOR_TILE
#undef TILE
