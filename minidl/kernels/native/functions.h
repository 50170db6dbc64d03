/* Functions that the compiler turns into vector instructions, for REAL: a family includes this with its loops.
 *
 * None of them branches: what would be a branch is computed on both sides and chosen by a ternary. NaN gives NaN,
 * overflow infinity, and underflow passes through the denormals to 0. The bounds in units of the last place
 * (ulps) hold for all numbers, with or without fused multiply-adds; tests/kernels/test_functions.py proves them:
 *
 *     exp 1.5, expm1 2.5, log 1, log1p 2, tanh 3, normal 4 in float32 and 6 in float64, its density 2.5
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

/* Those of the type before; a family may use them, too. */
#undef MANTISSA
#undef BIAS
#undef ROUNDING
#undef LOG2_HIGH
#undef LOG2_LOW
#undef EXP_LOWEST
#undef EXP_HIGHEST
#undef NORMAL_FARTHEST
#undef NORMAL_SHIFT
#undef LEAST_NORMAL
#undef ROOT_HALF_BITS
#undef HALF_OF_THE_BITS
#undef MANTISSA_BITS
#undef MULTIPLY_ADD

#if IS_DOUBLE
#define MANTISSA 52          /* bits after the leading one */
#define BIAS 1023            /* of an exponent */
#define ROUNDING 0x1.8p52    /* added to a number and subtracted again, this rounds it to an integer */
#define LOG2_HIGH 0x1.62e42feep-1 /* log(2), in so few bits that its multiples are exact; and the rest of it */
#define LOG2_LOW 0x1.a39ef35793c76p-33
#define EXP_LOWEST -746.0    /* below it, exp rounds to 0 */
#define EXP_HIGHEST 710.0    /* above it, exp overflows */
#define NORMAL_FARTHEST 40.0 /* beyond it, the density rounds to 0 */
#define NORMAL_SHIFT 4.5     /* the s of normal, whose polynomial it makes short */
#define LEAST_NORMAL 0x1p-1022
#define ROOT_HALF_BITS UINT64_C(0x3fe6a09e667f3bcd)
#define HALF_OF_THE_BITS UINT64_C(0xfffffffff8000000)
#else
#define MANTISSA 23
#define BIAS 127
#define ROUNDING 0x1.8p23f
#define LOG2_HIGH 0x1.63p-1f
#define LOG2_LOW -0x1.bd0106p-13f
#define EXP_LOWEST -104.0f
#define EXP_HIGHEST 89.0f
#define NORMAL_FARTHEST 15.0f
#define NORMAL_SHIFT 3.5f
#define LEAST_NORMAL 0x1p-126f
#define ROOT_HALF_BITS UINT32_C(0x3f3504f3)
#define HALF_OF_THE_BITS UINT32_C(0xfffff000)
#endif

/* In one instruction where the CPU has one; other compilers than GCC make it of the expression. */
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#if IS_DOUBLE
#define MULTIPLY_ADD(a, b, c) __builtin_fma(a, b, c)
#else
#define MULTIPLY_ADD(a, b, c) __builtin_fmaf(a, b, c)
#endif
#else
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#endif

#define MANTISSA_BITS (((UNSIGNED)1 << MANTISSA) - 1)

INLINE UNSIGNED LOOP(bits_of)(REAL x)
{
    UNSIGNED bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

INLINE REAL LOOP(of_bits)(UNSIGNED bits)
{
    REAL x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* exp(x + low) = (1 + fraction) * 2**n, with a `low` that is far smaller than 1. Gives n + 2 * BIAS. */
INLINE UNSIGNED LOOP(exp_parts)(REAL x, REAL low, REAL *fraction)
{
#if IS_DOUBLE
    REAL shifted = (x + low) * 0x1.71547652b82fep+0 + ROUNDING;
#else
    REAL shifted = (x + low) * 0x1.715476p+0f + ROUNDING;
#endif
    REAL n = shifted - ROUNDING;
    REAL rest = ((x - n * LOG2_HIGH) - n * LOG2_LOW) + low;
    /* (exp(r) - 1 - r) / r**2 for |r| <= log(2) / 2, fitted for the least largest error of exp(r). */
#if IS_DOUBLE
    REAL p = 2.50000844324998275e-8;
    p = MULTIPLY_ADD(p, rest, 2.76302487926451293e-7);
    p = MULTIPLY_ADD(p, rest, 2.75575862908489689e-6);
    p = MULTIPLY_ADD(p, rest, 2.48014930978384482e-5);
    p = MULTIPLY_ADD(p, rest, 1.9841269506688907e-4);
    p = MULTIPLY_ADD(p, rest, 1.38888889436310749e-3);
    p = MULTIPLY_ADD(p, rest, 8.33333333349439905e-3);
    p = MULTIPLY_ADD(p, rest, 4.16666666665301552e-2);
    p = MULTIPLY_ADD(p, rest, 1.66666666666664126e-1);
    p = MULTIPLY_ADD(p, rest, 5.00000000000001063e-1);
#else
    REAL p = 1.38146272e-3f;
    p = MULTIPLY_ADD(p, rest, 8.36871674e-3f);
    p = MULTIPLY_ADD(p, rest, 4.16683876e-2f);
    p = MULTIPLY_ADD(p, rest, 1.66665206e-1f);
    p = MULTIPLY_ADD(p, rest, 4.99999934e-1f);
#endif
    *fraction = MULTIPLY_ADD(rest * rest, p, rest);
    return LOOP(bits_of)(shifted) - LOOP(bits_of)(ROUNDING) + 2 * BIAS;
}

/* exp(x + low): see exp_parts. It neither overflows nor is `x` below twice the lowest number of exp. */
INLINE REAL LOOP(exp_sum)(REAL x, REAL low)
{
    REAL fraction;
    UNSIGNED power = LOOP(exp_parts)(x, low, &fraction), half = power >> 1;
    /* Two factors, of which neither overflows or is denormal where the result is not. */
    return (1 + fraction) * LOOP(of_bits)(half << MANTISSA) * LOOP(of_bits)((power - half) << MANTISSA);
}

/* exp(x) of an x no larger than EXP_HIGHEST. */
INLINE REAL LOOP(exp_below)(REAL x)
{
    return LOOP(exp_sum)(x < EXP_LOWEST ? EXP_LOWEST : x, 0);
}

INLINE REAL LOOP(exp)(REAL x)
{
    return LOOP(exp_below)(x > EXP_HIGHEST ? EXP_HIGHEST : x);
}

/* exp(x) - 1 of an x from -40, below which it is -1, to EXP_HIGHEST, without cancellation. */
INLINE REAL LOOP(expm1_within)(REAL x)
{
    REAL fraction;
    UNSIGNED power = LOOP(exp_parts)(x, 0, &fraction);
    REAL half = LOOP(of_bits)((power - BIAS - 1) << MANTISSA); /* of 2**n, which may overflow too early */
    REAL result = (half * fraction + (half - (REAL)0.5)) * 2;
    return x * x < LEAST_NORMAL ? x : result; /* tiny numbers and the zeros' signs */
}

INLINE REAL LOOP(expm1)(REAL x)
{
    REAL kept = x < -40 ? -40 : x;
    return LOOP(expm1_within)(kept > EXP_HIGHEST ? EXP_HIGHEST : kept);
}

/* (exp(2 x) - 1) / (exp(2 x) + 1) */
INLINE REAL LOOP(tanh)(REAL x)
{
    REAL kept = x < -20 ? -20 : x;
    kept = kept > 20 ? 20 : kept;
    REAL grown = LOOP(expm1_within)(2 * kept);
    return grown / (grown + 2);
}

/* x = 2**k * (1 + f) with f in [sqrt(1/2) - 1, sqrt(2) - 1]; then with s = f / (2 + f)
 * log(1 + f) = f - f**2 / 2 + s * (f**2 / 2 + R(s**2)), R's coefficients being those of FreeBSD's e_log.c, e_logf.c. */
INLINE REAL LOOP(log)(REAL x)
{
    int is_tiny = x < LEAST_NORMAL;
    UNSIGNED bits = LOOP(bits_of)(is_tiny ? x * ((REAL)2 * ((UNSIGNED)1 << MANTISSA)) : x);
    bits += ((UNSIGNED)BIAS << MANTISSA) - ROOT_HALF_BITS;
    REAL f = LOOP(of_bits)((bits & MANTISSA_BITS) + ROOT_HALF_BITS) - 1;
    /* The exponent, put into the last bits of a large number, becomes a REAL. */
    REAL k = LOOP(of_bits)((bits >> MANTISSA) + LOOP(bits_of)(ROUNDING)) - (ROUNDING + BIAS);
    k -= is_tiny ? MANTISSA + 1 : 0;
    REAL s = f / (2 + f), z = s * s, half_square = (REAL)0.5 * f * f;
#if IS_DOUBLE
    REAL r = 1.479819860511658591e-1;
    r = MULTIPLY_ADD(r, z, 1.531383769920937332e-1);
    r = MULTIPLY_ADD(r, z, 1.818357216161805012e-1);
    r = MULTIPLY_ADD(r, z, 2.222219843214978396e-1);
    r = MULTIPLY_ADD(r, z, 2.857142874366239149e-1);
    r = MULTIPLY_ADD(r, z, 3.999999999940941908e-1);
    r = MULTIPLY_ADD(r, z, 6.666666666666735130e-1);
#else
    REAL r = 0.24279078841f;
    r = MULTIPLY_ADD(r, z, 0.28498786688f);
    r = MULTIPLY_ADD(r, z, 0.40000972152f);
    r = MULTIPLY_ADD(r, z, 0.66666662693f);
#endif
    REAL y = k * LOG2_HIGH - ((half_square - (s * (half_square + r * z) + k * LOG2_LOW)) - f);
    y = x == 0 ? -(REAL)INFINITY : x < 0 ? (REAL)NAN : y;
    return x - x == 0 ? y : x < 0 ? (REAL)NAN : x; /* infinity and NaN */
}

/* log(1 + x): with the logarithm of what 1 + x is rounded to goes what rounding took, a part of 1 + x. */
INLINE REAL LOOP(log1p)(REAL x)
{
    REAL sum = 1 + x, lost = x > 1 ? 1 - (sum - x) : x - (sum - 1);
    REAL low = lost / sum, y = LOOP(log)(sum);
    y = low == low ? y + low : y; /* of an infinity and of -1, what was lost is not a number */
    return x * x < LEAST_NORMAL ? x : y;
}

/* The standard normal distribution: (1 + erf(x / sqrt(2))) / 2, and exp(-x**2 / 2) / sqrt(2 pi) as the density.
 *
 * The square is kept in two numbers, for what rounding takes from it counts x**2 / 2 times. Beyond |x| lies its
 * exponential times a function that, divided by s + |x|, is nearly a polynomial of (|x| - s) / (|x| + s): here one
 * fitted for the least largest relative error. */
INLINE REAL LOOP(normal)(REAL x, REAL *density)
{
    REAL far = x < 0 ? -x : x;
    far = far > NORMAL_FARTHEST ? NORMAL_FARTHEST : far;
    REAL high = LOOP(of_bits)(LOOP(bits_of)(far) & HALF_OF_THE_BITS), low = far - high;
    REAL decay = LOOP(exp_sum)((REAL)-0.5 * (high * high), (REAL)-0.5 * (low * (far + high)));
    *density = decay * (REAL)0.3989422804014327;
    REAL z = (far - NORMAL_SHIFT) / (far + NORMAL_SHIFT);
#if IS_DOUBLE
    REAL p = -1.6136726023606943e-09;
    p = MULTIPLY_ADD(p, z, -8.188636887197725e-09);
    p = MULTIPLY_ADD(p, z, 5.379032013883109e-10);
    p = MULTIPLY_ADD(p, z, 6.704815028898826e-08);
    p = MULTIPLY_ADD(p, z, 5.5690258549362436e-08);
    p = MULTIPLY_ADD(p, z, -3.773300613850632e-07);
    p = MULTIPLY_ADD(p, z, -4.946912593287833e-07);
    p = MULTIPLY_ADD(p, z, 2.1423561520077506e-06);
    p = MULTIPLY_ADD(p, z, 3.187157472709015e-06);
    p = MULTIPLY_ADD(p, z, -1.4235890457879e-05);
    p = MULTIPLY_ADD(p, z, -1.5932031100948256e-05);
    p = MULTIPLY_ADD(p, z, 0.00011204272076110361);
    p = MULTIPLY_ADD(p, z, 6.380922880128481e-06);
    p = MULTIPLY_ADD(p, z, -0.0009177465047817597);
    p = MULTIPLY_ADD(p, z, 0.0017488305976542749);
    p = MULTIPLY_ADD(p, z, 0.004223613380082425);
    p = MULTIPLY_ADD(p, z, -0.03387132617928323);
    p = MULTIPLY_ADD(p, z, 0.1113825965702475);
    p = MULTIPLY_ADD(p, z, -0.2531417999508993);
    p = MULTIPLY_ADD(p, z, 0.4464525170556771);
    p = MULTIPLY_ADD(p, z, -0.6402577602526177);
    p = MULTIPLY_ADD(p, z, 0.7632305289702032);
#else
    REAL p = 0.0001086940217f;
    p = MULTIPLY_ADD(p, z, 0.0004183242043f);
    p = MULTIPLY_ADD(p, z, -0.00049503952f);
    p = MULTIPLY_ADD(p, z, -0.003172829478f);
    p = MULTIPLY_ADD(p, z, 0.00649372652f);
    p = MULTIPLY_ADD(p, z, 0.01740582147f);
    p = MULTIPLY_ADD(p, z, -0.1160531747f);
    p = MULTIPLY_ADD(p, z, 0.3154250913f);
    p = MULTIPLY_ADD(p, z, -0.5655617392f);
    p = MULTIPLY_ADD(p, z, 0.7444160736f);
#endif
    REAL beyond = decay * p / (far + NORMAL_SHIFT);
    return x > 0 ? 1 - beyond : beyond;
}
