/* Tiles of a product, of which products_loops.h makes the whole.
 *
 * A tile of the result, HEIGHT rows of up to three vectors, stays in the registers while the sum runs over the steps:
 * each of A's numbers is multiplied by the vectors of B. A few columns that are left over would waste most of a
 * vector: their vectors are formed of steps instead, or of rows where these are packed.
 */

#define HEIGHT PASTE(HEIGHT, LEVEL)
#define PANELS 2 /* of a tile one vector wide: the sums of a single panel would wait for each other */
#define STRIP (VECTORS * WIDE)

typedef __typeof__((LOOP(Vector)){0} <= 0) LOOP(Mask);

/* A vector of this number: less 0, it is the same, whereas -0 and 0 would give 0. */
INLINE LOOP(Vector) LOOP(all)(REAL number)
{
    return number - (LOOP(Vector)){0};
}

/* The larger one of each number and 0; NaN stays. */
INLINE LOOP(Vector) LOOP(rectified)(LOOP(Vector) vector)
{
    return (LOOP(Vector))(~(vector <= 0) & (LOOP(Mask))vector);
}

/* For each vector of a tile of so many panels. */
#define FOR_TILE(p, t, v, panels, vectors) \
    UNROLL \
    for (int p = 0; p < (panels); p++) \
        UNROLL \
        for (int t = 0; t < HEIGHT; t++) \
            UNROLL \
            for (int v = 0; v < (vectors); v++)

/* A strip of the result, and what it is the product of. */
typedef struct {
    const REAL *a, *b;
    ptrdiff_t a_apart, a_further; /* where the rows and steps of A lie; packed, rows are `steps` apart on average */
    ptrdiff_t b_apart, b_further; /* where the vectors and steps of B lie */
    ptrdiff_t rows, columns, steps, lead;
    REAL *c;                      /* whose rows lie `lead` apart */
    const REAL *before;           /* the sum over the steps before these, or NULL; rows lie `before_apart` */
    ptrdiff_t before_apart;
    const REAL *bias;             /* or NULL */
    int a_is_packed, rectifies;
} LOOP(Strip);

/* Add the sum over all steps of a[row][step] * b[step][column] to a tile of so many panels of rows, or put it there.
 * Some rows of a single panel may be missing. At the end of the sum the bias is added, and the larger one of that and
 * 0 is taken, where they are wanted. */
INLINE void LOOP(add_tile)(const int panels, const int vectors, const int is_packed, const LOOP(Strip) *strip,
                           ptrdiff_t row)
{
    const ptrdiff_t rows = strip->rows - row, lead = strip->lead, further = strip->b_further, apart = strip->b_apart;
    const REAL *from[PANELS], *restrict b = strip->b;
    REAL *c = strip->c + row * lead;
    LOOP(Vector) sums[PANELS][HEIGHT][VECTORS];
    ptrdiff_t offsets[HEIGHT], steps = strip->steps;
    FOR_TILE(p, t, v, panels, vectors)
        sums[p][t][v] = (LOOP(Vector)){0};
    for (int p = 0; p < panels; p++)
        from[p] = strip->a + (row + p * HEIGHT) * strip->a_apart;
    UNROLL
    for (int t = 0; t < HEIGHT; t++) {
        const ptrdiff_t there = least_of(t, rows - 1);
        offsets[t] = is_packed ? t : there * strip->a_apart;
        if (vectors > 1 && strip->columns < lead) { /* else lines follow each other, as the CPU foresees */
            FETCH(c + there * lead, FIRST);
            FETCH(c + there * lead + strip->columns / 2, FIRST);
            FETCH(c + there * lead + strip->columns - 1, FIRST);
        }
    }
    do { /* at least once, without which GCC would keep the sums in memory */
        UNROLL
        for (int p = 0; p < panels; p++) {
            UNROLL
            for (int t = 0; t < HEIGHT; t++) {
                const LOOP(Vector) number = LOOP(all)(from[p][offsets[t]]);
                UNROLL
                for (int v = 0; v < vectors; v++)
                    sums[p][t][v] = VECTOR_TIMES(number, LOOP(load_vector)(b + v * apart), sums[p][t][v]);
            }
            from[p] += is_packed ? HEIGHT : strip->a_further;
        }
        b += further;
    } while (--steps);
#if defined(__clang__)
    /* No instruction, but the sums may be others now: else they are written to memory at each step for what follows. */
    FOR_TILE(p, t, v, panels, vectors)
        __asm__("" : "+v"(sums[p][t][v]));
#endif
    const ptrdiff_t before_apart = strip->before_apart;
    const REAL *before = strip->before ? strip->before + row * before_apart : NULL;
    const INDEX columns = (INDEX)strip->columns, width = vectors * WIDE;
    REAL whole[PANELS][HEIGHT][STRIP]; /* in memory, where a single number can be told */
    if (rows >= panels * HEIGHT && columns == width) {
        if (before)
            FOR_TILE(p, t, v, panels, vectors)
                sums[p][t][v] += LOOP(load_vector)(before + (p * HEIGHT + t) * before_apart + v * WIDE);
        if (strip->bias)
            FOR_TILE(p, t, v, panels, vectors)
                sums[p][t][v] += LOOP(load_vector)(strip->bias + v * WIDE);
        if (strip->rectifies)
            FOR_TILE(p, t, v, panels, vectors)
                sums[p][t][v] = LOOP(rectified)(sums[p][t][v]);
        FOR_TILE(p, t, v, panels, vectors)
            LOOP(store_vector)(sums[p][t][v], c + (p * HEIGHT + t) * lead + v * WIDE);
        return;
    }
    FOR_TILE(p, t, v, panels, vectors)
        LOOP(store_vector)(sums[p][t][v], whole[p][t] + v * WIDE);
    for (ptrdiff_t t = 0; t < least_of(rows, panels * HEIGHT); t++) {
        REAL *line = c + t * lead, *restrict sum = whole[t / HEIGHT][t % HEIGHT];
        if (before)
            FOR_VECTORS(i, width)
                sum[i] += i < columns ? before[t * before_apart + i] : 0;
        if (strip->bias)
            FOR_VECTORS(i, width)
                sum[i] += i < columns ? strip->bias[i] : 0;
        if (strip->rectifies)
            FOR_VECTORS(i, width)
                sum[i] = sum[i] <= 0 ? 0 : sum[i];
        FOR_VECTORS(i, width)
            if (i < columns)
                line[i] = sum[i];
    }
}

typedef void LOOP(Tile)(const LOOP(Strip) *, ptrdiff_t);

/* Functions of their own, which leave the registers to the loop above. */
#define TILE(name, panels, vectors, is_packed)                                    \
    static NOT_INLINE void LOOP(name)(const LOOP(Strip) *strip, ptrdiff_t row)    \
    {                                                                             \
        LOOP(add_tile)(panels, vectors, is_packed, strip, row);                   \
    }
TILE(add_tall, PANELS, 1, 0)
TILE(add_one, 1, 1, 0)
TILE(add_two, 1, 2, 0)
TILE(add_three, 1, 3, 0)
TILE(add_tall_packed, PANELS, 1, 1)
TILE(add_one_packed, 1, 1, 1)
TILE(add_two_packed, 1, 2, 1)
TILE(add_three_packed, 1, 3, 1)

static LOOP(Tile) *const LOOP(tiles)[][2] = {{LOOP(add_tall), LOOP(add_tall_packed)},
                                             {LOOP(add_one), LOOP(add_one_packed)},
                                             {LOOP(add_two), LOOP(add_two_packed)},
                                             {LOOP(add_three), LOOP(add_three_packed)}};

/* Put a number of the result in its place, where its sum is known. */
INLINE void LOOP(put)(const LOOP(Strip) *strip, ptrdiff_t row, REAL sum)
{
    REAL *c = strip->c + row * strip->lead;
    if (strip->before)
        sum += strip->before[row * strip->before_apart];
    if (strip->bias)
        sum += *strip->bias;
    *c = strip->rectifies && sum <= 0 ? 0 : sum; /* NaN stays */
}

/* A strip of a single column, whose steps lie side by side. */
static NOT_INLINE void LOOP(add_column)(const LOOP(Strip) *strip)
{
    const ptrdiff_t apart = strip->a_apart, steps = strip->steps;
    const REAL *restrict b = strip->b;
    for (ptrdiff_t row = 0; row < strip->rows; row += HEIGHT) {
        const REAL *a = strip->a + row * apart;
        REAL sums[HEIGHT][WIDE];
        ptrdiff_t offsets[HEIGHT], step = 0;
        UNROLL
        for (int t = 0; t < HEIGHT; t++) {
            offsets[t] = least_of(t, strip->rows - row - 1) * apart;
            FOR_VECTORS(i, WIDE)
                sums[t][i] = 0;
        }
        for (; step + WIDE <= steps; step += WIDE)
            UNROLL
            for (int t = 0; t < HEIGHT; t++)
                FOR_VECTORS(i, WIDE)
                    sums[t][i] = TIMES(a[offsets[t] + step + i], b[step + i], sums[t][i]);
        for (ptrdiff_t t = 0; t < least_of(HEIGHT, strip->rows - row); t++) {
            UNROLL
            for (int half = WIDE / 2; half; half /= 2)
                for (int i = 0; i < half; i++)
                    sums[t][i] += sums[t][i + half];
            REAL sum = sums[t][0];
            for (ptrdiff_t rest = step; rest < steps; rest++)
                sum = TIMES(a[t * apart + rest], b[rest], sum);
            LOOP(put)(strip, row + t, sum);
        }
    }
}

/* The same where the rows are packed. */
static NOT_INLINE void LOOP(add_column_packed)(const LOOP(Strip) *strip)
{
    enum { PANELS_AT_ONCE = BLOCK_ROWS / HEIGHT };
    const ptrdiff_t size = HEIGHT * strip->steps;
    for (ptrdiff_t row = 0; row < strip->rows; row += BLOCK_ROWS) {
        const REAL *panels[PANELS_AT_ONCE];
        REAL sums[PANELS_AT_ONCE][HEIGHT];
        UNROLL
        for (int p = 0; p < PANELS_AT_ONCE; p++) {
            panels[p] = strip->a + row * strip->steps + least_of(p, (strip->rows - row - 1) / HEIGHT) * size;
            VECTORS_FIRST
            for (int t = 0; t < HEIGHT; t++)
                sums[p][t] = 0;
        }
        for (ptrdiff_t step = 0; step < strip->steps; step++)
            UNROLL
            for (int p = 0; p < PANELS_AT_ONCE; p++)
                VECTORS_FIRST
                for (int t = 0; t < HEIGHT; t++)
                    sums[p][t] = TIMES(panels[p][step * HEIGHT + t], strip->b[step], sums[p][t]);
        for (ptrdiff_t t = 0; t < least_of(BLOCK_ROWS, strip->rows - row); t++)
            LOOP(put)(strip, row + t, sums[t / HEIGHT][t % HEIGHT]);
    }
}
