/* The product of two matrices, which is compiled for each kind of CPU but the oldest: see products.c and levels.h.
 *
 * A tile of the result, HEIGHT rows of up to three vectors, stays in the registers while the sum runs over `depth`
 * steps: each of A's numbers is multiplied by the vectors of B. For this both are copied first, into panels in which
 * the numbers of a step lie side by side. Each number of the result is added up in the same order whatever part of it
 * is computed at once, so that it does not depend on the number of threads.
 */

#define HEIGHT PASTE(HEIGHT, LEVEL)
#define STRIP (VECTORS * WIDE)

/* c = (or, with `adds`, c +=) the sum over `steps` of a[step][row] * b[step][column], for the tile's `rows` and
 * `columns`. A step of b has its vectors `apart`, and the next step lies `further`. */
INLINE void LOOP(add_tile)(const int width, const REAL *restrict a, const REAL *restrict b,
                           ptrdiff_t further, ptrdiff_t apart, ptrdiff_t steps, REAL *restrict c, ptrdiff_t lead,
                           ptrdiff_t rows, ptrdiff_t columns, int adds)
{
    REAL sums[HEIGHT][STRIP];
    UNROLL
    for (int t = 0; t < HEIGHT; t++) {
        const REAL *line = c + least_of(t, rows - 1) * lead;
        FETCH(line);
        FETCH(line + columns / 2);
        FETCH(line + columns - 1);
        FOR_VECTORS(i, width)
            sums[t][i] = 0;
    }
    do { /* at least once, without which GCC would keep the sums in memory */
        UNROLL
        for (int t = 0; t < HEIGHT; t++) {
            const REAL number = a[t];
            FOR_VECTORS(i, width)
                sums[t][i] = TIMES(number, b[v / WIDE * apart + i - v], sums[t][i]);
        }
        a += HEIGHT;
        b += further;
    } while (--steps);
    if (rows >= HEIGHT && columns == width && adds) {
        UNROLL
        for (int t = 0; t < HEIGHT; t++)
            FOR_VECTORS(i, width)
                c[t * lead + i] += sums[t][i];
    } else if (rows >= HEIGHT && columns == width) {
        UNROLL
        for (int t = 0; t < HEIGHT; t++)
            FOR_VECTORS(i, width)
                c[t * lead + i] = sums[t][i];
    } else {
        REAL whole[HEIGHT][STRIP]; /* in memory, where a part of a vector can be read */
        UNROLL
        for (int t = 0; t < HEIGHT; t++)
            FOR_VECTORS(i, width)
                whole[t][i] = sums[t][i];
        for (ptrdiff_t t = 0; t < least_of(rows, HEIGHT); t++)
            for (ptrdiff_t i = 0; i < columns; i++)
                c[t * lead + i] = adds ? c[t * lead + i] + whole[t][i] : whole[t][i];
    }
}

typedef void LOOP(Tile)(const REAL *, const REAL *, ptrdiff_t, ptrdiff_t, ptrdiff_t, REAL *, ptrdiff_t, ptrdiff_t,
                        ptrdiff_t, int);

/* Functions of their own, which leave the registers to the loop above. */
#define TILE(name, width)                                                                                          \
    static NOT_INLINE void LOOP(name)(const REAL *a, const REAL *b, ptrdiff_t further, ptrdiff_t apart,               \
                                      ptrdiff_t steps, REAL *c, ptrdiff_t lead, ptrdiff_t rows, ptrdiff_t columns,    \
                                      int adds)                                                                       \
    {                                                                                                                 \
        LOOP(add_tile)(width, a, b, further, apart, steps, c, lead, rows, columns, adds);                             \
    }
TILE(add_one, WIDE)
TILE(add_two, 2 * WIDE)
TILE(add_three, 3 * WIDE)

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
                for (int i = 0; i < width; i++)
                    to[step * width + i] = at + i < count ? from[step * further + at + i] : 0;
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

/* Bring a share of what will be packed next into the cache. */
static inline void LOOP(fetch)(const Product *product, const REAL *from, ptrdiff_t steps, ptrdiff_t share,
                               ptrdiff_t shares)
{
    const int in_rows = product->b_apart == 1;
    const ptrdiff_t runs = in_rows ? steps : STRIP, length = in_rows ? STRIP : steps;
    const ptrdiff_t distance = in_rows ? product->b_further : product->b_apart;
    for (ptrdiff_t run = runs * share / shares; run < runs * (share + 1) / shares; run++)
        for (ptrdiff_t i = 0; i < length; i += LINE / (ptrdiff_t)sizeof(REAL))
            FETCH(from + run * distance + i);
}

/* Add the products of `steps` steps to a block of `rows` of the result, whose panels are packed. */
static void LOOP(add_block)(const Product *product, const REAL *panels, ptrdiff_t rows, const REAL *b,
                            ptrdiff_t columns, ptrdiff_t steps, REAL *strips, int is_packed, const REAL *after,
                            REAL *c, int adds)
{
    for (ptrdiff_t j = 0, width; j < columns; j += width) {
        const int vectors = LOOP(vectors)(columns - j);
        width = least_of(vectors * WIDE, columns - j);
        const REAL *from = b + j * product->b_apart, *strip = strips, *next = NULL;
        ptrdiff_t further = WIDE, apart = WIDE * steps;
        if (product->is_thin && width == vectors * WIDE) {
            strip = from; /* as it lies, for few rows do not repay a copy */
            further = product->b_further;
            apart = WIDE;
        } else {
            strip += product->keeps ? j * steps : 0;
            if (!is_packed)
                LOOP(pack_columns)(from, product->b_further, product->b_apart, width, steps, (REAL *)strip);
            if (!product->is_thin && !product->keeps)
                next = j + width < columns ? from + width * product->b_apart : after;
        }
        LOOP(Tile) *const tiles[] = {LOOP(add_one), LOOP(add_two), LOOP(add_three)};
        for (ptrdiff_t i = 0; i < rows; i += HEIGHT) {
            if (next)
                LOOP(fetch)(product, next, steps, i / HEIGHT, divide_up(rows, HEIGHT));
            tiles[vectors - 1](panels + i * steps, strip, further, apart, steps, c + i * product->columns + j,
                               product->columns, rows - i, width, adds);
        }
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

static void LOOP(multiply_row)(const Product *product, const REAL *a, const REAL *b, ptrdiff_t columns, REAL *c)
{
    const ptrdiff_t further = product->b_further;
    ptrdiff_t k = 0;
    memset(c, 0, columns * sizeof(REAL));
    for (; k + 4 <= product->inner; k += 4) /* so that the result is read and written a quarter as often */
        LOOP(add_steps)(4, a + k, b + k * further, further, columns, c);
    for (; k < product->inner; k++)
        LOOP(add_steps)(1, a + k, b + k * further, further, columns, c);
}

static void LOOP(finish)(const Product *product, REAL *c, ptrdiff_t rows, const REAL *bias, ptrdiff_t columns)
{
    for (ptrdiff_t row = 0; row < rows; row++, c += product->columns)
        if (product->rectifies)
            for (ptrdiff_t i = 0; i < columns; i++) {
                REAL sum = c[i] + bias[i];
                c[i] = sum <= 0 ? 0 : sum; /* NaN stays */
            }
        else
            for (ptrdiff_t i = 0; i < columns; i++)
                c[i] += bias[i];
}

/* Parts `first` to `end` of the result, which are rows or columns, in one. */
static void LOOP(multiply)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Product *product = context;
    const ptrdiff_t sides = product->by_columns ? product->columns : product->rows, depth = product->depth;
    const ptrdiff_t from = least_of(first * product->part, sides), to = least_of(end * product->part, sides);
    const ptrdiff_t row = product->by_columns ? 0 : from, column = product->by_columns ? from : 0;
    const ptrdiff_t rows = product->by_columns ? product->rows : to - from;
    const ptrdiff_t columns = product->by_columns ? to - from : product->columns;
    const REAL *a = (const REAL *)product->a + row * product->a_apart;
    const REAL *b = (const REAL *)product->b + column * product->b_apart;
    REAL *c = (REAL *)product->c + row * product->columns + column;
    REAL *panels = (REAL *)((char *)product->memory + first * product->room), *strips = panels + product->panels;
    const int is_row = product->rows == 1 && product->a_further == 1 && product->b_apart == 1;
    if (is_row && from < to)
        LOOP(multiply_row)(product, a, b, columns, c);
    for (ptrdiff_t k = 0; k < product->inner && from < to && !is_row; k += depth) {
        const ptrdiff_t steps = least_of(depth, product->inner - k);
        const REAL *block = b + k * product->b_further;
        const REAL *after = k + depth < product->inner ? block + depth * product->b_further : NULL;
        for (ptrdiff_t i = 0; i < rows; i += product->high) {
            const ptrdiff_t high = least_of(product->high, rows - i);
            LOOP(pack_rows)(a + i * product->a_apart + k * product->a_further, product->a_further, product->a_apart,
                            high, steps, panels);
            LOOP(add_block)(product, panels, high, block, columns, steps, strips, i && product->keeps,
                            i + high < rows ? block : after, c + i * product->columns, k > 0);
        }
    }
    if (product->bias && from < to)
        LOOP(finish)(product, c, rows, (const REAL *)product->bias + column, columns);
}

#undef HEIGHT
#undef STRIP
#undef TILE
