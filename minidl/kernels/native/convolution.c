/* Convolutions and what takes their gradients back, without columns: see kernels/convolution.py.
 *
 * With the windows' stride, images fall apart into phases: phase (a, b) has the pixels of rows stride * v + a and
 * columns stride * u + b. What a place of the window sees of a phase is then the same phase moved by whole pixels.
 * So a band of output rows is the sum, over all channels and places ("taps"), of a number times one run of memory
 * that begins at the tap's offset in the padded phases of the band. The pixels between the end of a row and the
 * beginning of the next one are computed, too, and dropped. The gradient by the images is of the same kind: there
 * the outputs have phases, and each has taps of its own.
 */
#include "arrays.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* One axis of images and maps. `shifts` and `phases` of a window's place say where it looks. */
typedef struct {
    ptrdiff_t kernel, stride, padding, dilation;
    ptrdiff_t source, run, outputs; /* sizes: of what is read, of an output's phase, of what is written */
    ptrdiff_t source_step, step;    /* the phases of what is read and of what is written; one of them is 1 */
    int back;                       /* whether maps are read and images are written */
    ptrdiff_t least, span;          /* the smallest shift, and from it to the largest */
} Axis;

typedef struct {
    Axis rows, pixels;
    ptrdiff_t samples, groups, sources, outputs; /* channels of a group that are read and that are written */
    ptrdiff_t pitch, shared, band, bands, area;  /* of a padded phase: see `lay_out` */
    ptrdiff_t taps, *offsets, *places, *begins;  /* the taps, phase by phase; of each its number in the weight */
    ptrdiff_t units, slots, slot, planes;        /* the work's units, and the memory: parts, and numbers in each */
    ptrdiff_t block, blocks, lot, share, shares; /* of a weight's gradient: see `gradient` */
    ptrdiff_t lead;                              /* numbers of a row of results, or of gradients that are read */
    const void *x, *dy, *bias;
    void *out, *weights, *memory, *partials;
} Plan;

/* The sum of each channel. */
typedef struct {
    const void *dy;
    void *out;
    ptrdiff_t samples, channels, pixels;
} Sums;

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")
#else
#define INLINE static inline
#define UNROLL
#endif

/* What fits the registers of each kind of CPU: bytes of a vector, outputs at once, and those of a gradient. */
enum { BYTES_base = 16, BYTES_avx2 = 32, BYTES_avx512 = 64 };
enum { TALL_base = 4, TALL_avx2 = 4, TALL_avx512 = 8 };
enum { DEEP_base = 2, DEEP_avx2 = 2, DEEP_avx512 = 4 };
enum { MOST_LANES = 64 / sizeof(float), MOST_TALL = 8, MOST_DEEP = 4, VECTORS = 3 };
#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)

/* a * b + c, in one instruction where there is one. */
#define TIMES_base(a, b, c) ((a) * (b) + (c))
#define TIMES_avx2(a, b, c) (IS_DOUBLE ? fma(a, b, c) : fmaf(a, b, c))
#define TIMES_avx512 TIMES_avx2

static inline ptrdiff_t least_of(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }
static inline ptrdiff_t most_of(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }
static inline ptrdiff_t divide_up(ptrdiff_t a, ptrdiff_t b) { return (a + b - 1) / b; }

#define FAMILY "convolution_loops.h"
#include "levels.h"

enum {
    BAND_BYTES = 1 << 18,    /* what the padded phases of a band may take: a share of a core's cache */
    LOT_BYTES = 5 << 17,     /* the same for the samples that a gradient is added up over at once */
    UNITS = 4,               /* into which a gradient is divided, if it can be, where there are few blocks */
    LARGEST = 1 << 16,       /* size, stride, padding or dilation of a window */
    MOST_PHASES = 64,        /* of what is written: each is walked, with or without pixels */
    PARTIALS = 16,           /* blocks of samples of which each has a gradient of the weight of its own, at most, */
    PARTIAL_BYTES = 1 << 22, /* and what these may take */
    BLOCK_PIXELS = 2048,     /* a block's pixels, at least */
    SHARED_WORK = 1 << 18,   /* multiplications from which it pays to divide them */
    GRAIN = 1 << 15,
};

LOOPS(pack);
LOOPS(correlate);
LOOPS(gradient);
LOOPS(add_partials);
LOOPS(sum_pixels);

/* Where a place of the window looks from an output: at which phase of the images, and so many pixels further. */
static ptrdiff_t phase_of(const Axis *axis, ptrdiff_t place)
{
    ptrdiff_t rest = (place * axis->dilation - axis->padding) % axis->stride;
    return rest < 0 ? rest + axis->stride : rest;
}

static ptrdiff_t shift_of(const Axis *axis, ptrdiff_t place)
{
    ptrdiff_t shift = (place * axis->dilation - axis->padding - phase_of(axis, place)) / axis->stride;
    return axis->back ? -shift : shift;
}

/* A NamedTuple of pairs of integers: kernel, stride, padding, dilation. */
static int take_windows(PyObject *windows, Axis *rows, Axis *pixels)
{
    ptrdiff_t numbers[8];
    if (!PyTuple_Check(windows) || PyTuple_Size(windows) != 4)
        return 0;
    for (int i = 0; i < 8; i++) {
        PyObject *pair = PyTuple_GetItem(windows, i / 2);
        if (!PyTuple_Check(pair) || PyTuple_Size(pair) != 2 || !PyLong_CheckExact(PyTuple_GetItem(pair, i % 2)))
            return 0;
        numbers[i] = PyLong_AsSsize_t(PyTuple_GetItem(pair, i % 2));
        if (PyErr_Occurred())
            PyErr_Clear();
        if (numbers[i] < (i / 2 != 2) || numbers[i] > LARGEST)
            return 0;
    }
    *rows = (Axis){.kernel = numbers[0], .stride = numbers[2], .padding = numbers[4], .dilation = numbers[6]};
    *pixels = (Axis){.kernel = numbers[1], .stride = numbers[3], .padding = numbers[5], .dilation = numbers[7]};
    return 1;
}

/* Whether windows over so many pixels give so many outputs; the rest may be as large as an output padding. */
static int fits(const Axis *axis, ptrdiff_t image, ptrdiff_t maps, int is_transposed)
{
    ptrdiff_t least = (maps - 1) * axis->stride - 2 * axis->padding + axis->dilation * (axis->kernel - 1) + 1;
    ptrdiff_t most = is_transposed ? most_of(axis->stride, axis->dilation) : axis->stride;
    return image < (ptrdiff_t)1 << 31 && maps < (ptrdiff_t)1 << 31 && image >= least && image - least < most;
}

/* From images to maps, or (`back`) from maps to images. */
static void direct(Axis *axis, ptrdiff_t image, ptrdiff_t maps, int back)
{
    axis->source = back ? maps : image;
    axis->outputs = back ? image : maps;
    axis->step = back ? axis->stride : 1;
    axis->source_step = back ? 1 : axis->stride;
    axis->back = back;
    axis->run = back ? divide_up(image, axis->stride) : maps;
    ptrdiff_t one = shift_of(axis, 0), other = shift_of(axis, axis->kernel - 1);
    axis->least = least_of(one, other);
    axis->span = most_of(one, other) - axis->least;
}

/* How a band's padded phases lie in memory: (channels, phases, rows, pitch). The zeros to the right of a row are
 * those to the left of the next one, as far as windows reach that way. 0 where that would take too much, as large
 * strides do. */
static int lay_out(Plan *plan, int is_double)
{
    Axis *rows = &plan->rows, *pixels = &plan->pixels;
    ptrdiff_t row_phases = rows->source_step, pixel_phases = pixels->source_step;
    ptrdiff_t whole = pixels->run + pixels->span, left = most_of(-pixels->least, 0);
    ptrdiff_t right = whole + pixels->least - divide_up(pixels->source, pixel_phases);
    plan->shared = most_of(least_of(least_of(left, right), pixels->span), 0);
    plan->pitch = whole - plan->shared;
    double of_row = (double)plan->sources * row_phases * pixel_phases * plan->pitch * (is_double ? 8 : 4);
    if (of_row * (rows->span + 1) > 64 * BAND_BYTES || rows->step * pixels->step > MOST_PHASES)
        return 0;
    ptrdiff_t band = (ptrdiff_t)(BAND_BYTES / of_row) - rows->span;
    plan->bands = divide_up(rows->run, most_of(least_of(band, rows->run), 1));
    plan->band = divide_up(rows->run, plan->bands);
    plan->bands = divide_up(rows->run, plan->band);
    plan->area = (plan->band + rows->span) * plan->pitch;
    plan->planes = plan->sources * row_phases * pixel_phases * plan->area + plan->shared + VECTORS * MOST_LANES;
    plan->planes = divide_up(plan->planes, MOST_LANES) * MOST_LANES;
    plan->lead = divide_up(plan->band * plan->pitch, MOST_LANES) * MOST_LANES + VECTORS * MOST_LANES;
    plan->taps = plan->sources * rows->kernel * pixels->kernel;
    return 1;
}

/* List the taps; 0 where there is no memory. */
static int list_taps(Plan *plan)
{
    const Axis *rows = &plan->rows, *pixels = &plan->pixels;
    ptrdiff_t phases = rows->step * pixels->step, window = rows->kernel * pixels->kernel, tap = 0;
    plan->offsets = malloc((2 * plan->taps + phases + 1) * sizeof(ptrdiff_t));
    if (!plan->offsets)
        return 0;
    plan->places = plan->offsets + plan->taps;
    plan->begins = plan->places + plan->taps;
    for (ptrdiff_t phase = 0; phase < phases; phase++) {
        plan->begins[phase] = tap;
        for (ptrdiff_t channel = 0; channel < plan->sources; channel++)
            for (ptrdiff_t i = 0; i < rows->kernel; i++) {
                ptrdiff_t a = phase_of(rows, i);
                for (ptrdiff_t j = 0; j < pixels->kernel && (!rows->back || a == phase / pixels->step); j++) {
                    ptrdiff_t b = phase_of(pixels, j), plane = channel;
                    if (!rows->back)
                        plane = (channel * rows->stride + a) * pixels->stride + b;
                    else if (b != phase % pixels->step)
                        continue;
                    plan->places[tap] = channel * window * (rows->back ? plan->outputs : 1) + i * pixels->kernel + j;
                    plan->offsets[tap++] = plane * plan->area + (shift_of(rows, i) - rows->least) * plan->pitch
                                           + shift_of(pixels, j) - pixels->least;
                }
            }
    }
    plan->begins[phases] = tap;
    return 1;
}

/* Memory of `work` for so many numbers; NULL where it lends something else, and with its error where it fails. */
static PyObject *lend(PyObject *work, const char *name, PyObject *like, ptrdiff_t size, Array *lent)
{
    Array x;
    look(like, &x);
    PyObject *dtype = (PyObject *)PyArray_DESCR((PyArrayObject *)like);
    PyObject *memory = PyObject_CallFunction(work, "s(n)O", name, (Py_ssize_t)size + MOST_LANES, dtype);
    if (memory && take_of(&x, memory, WRITE, lent) && lent->size >= size + MOST_LANES) {
        lent->data = (char *)lent->data + (-(uintptr_t)lent->data & 63); /* at the beginning of a cache line */
        return memory;
    }
    Py_XDECREF(memory);
    return NULL;
}

/* Take shapes: of images (N, channels, height, width), a weight and maps, which share no memory with `outs`. */
static int agree(Plan *plan, const Array *images, const Array *weight, const Array *maps, int is_transposed)
{
    if (images->dimensions != 4 || weight->dimensions != 4 || maps->dimensions != 4 || !images->size || !weight->size
        || !maps->size || images->shape[0] != maps->shape[0] || weight->shape[0] != maps->shape[1]
        || images->shape[1] % weight->shape[1] || weight->shape[2] != plan->rows.kernel
        || weight->shape[3] != plan->pixels.kernel
        || !fits(&plan->rows, images->shape[2], maps->shape[2], is_transposed)
        || !fits(&plan->pixels, images->shape[3], maps->shape[3], is_transposed))
        return 0;
    plan->samples = images->shape[0];
    plan->groups = images->shape[1] / weight->shape[1];
    return maps->shape[1] % plan->groups == 0;
}

static int plan_way(Plan *plan, const Array *images, const Array *weight, const Array *maps, int back)
{
    ptrdiff_t channels = weight->shape[1], of_maps = maps->shape[1] / plan->groups;
    plan->sources = back ? of_maps : channels;
    plan->outputs = back ? channels : of_maps;
    direct(&plan->rows, images->shape[2], maps->shape[2], back);
    direct(&plan->pixels, images->shape[3], maps->shape[3], back);
    return lay_out(plan, images->is_double) && list_taps(plan);
}

/* out = the sum over all taps of what is read times the weight, + bias; 0 where that was not done. */
static int correlate(Plan plan, PyObject *read, const Array *images, const Array *weight, const Array *maps,
                     const Array *bias, PyObject *work, int back)
{
    Array memory;
    PyObject *lent = NULL;
    if (!plan_way(&plan, images, weight, maps, back))
        return 0;
    double multiplications = (double)weight->size / plan.groups * maps->size / maps->shape[1] * plan.groups;
    plan.units = plan.samples * plan.groups * plan.bands;
    plan.slots = multiplications < SHARED_WORK ? 1 : least_of(2 * threads_now(), plan.units);
    plan.slot = plan.planes + MOST_TALL * plan.lead;
    ptrdiff_t packed = divide_up(plan.taps * plan.groups * (plan.outputs + plan.outputs % 2), MOST_LANES) * MOST_LANES;
    lent = lend(work, "bands", read, packed + plan.slots * plan.slot, &memory);
    if (lent) {
        ptrdiff_t item = images->is_double ? sizeof(double) : sizeof(float);
        plan.x = back ? maps->data : images->data;
        plan.out = back ? images->data : maps->data;
        plan.bias = bias ? bias->data : NULL;
        plan.dy = weight->data;
        plan.weights = memory.data;
        plan.memory = (char *)memory.data + packed * item;
        PICK(pack, images->is_double)(&plan, 0, plan.groups);
        run_loop(PICK(correlate, images->is_double), &plan, plan.slots, 1);
        Py_DECREF(lent);
    }
    free(plan.offsets);
    return lent != NULL;
}

/* dweight = the sum over all samples and pixels of dy times what each place of the window sees of the images.
 * Each block of samples has a sum of its own, and how many there are depends on the shapes alone. */
static int gradient(Plan plan, PyObject *read, const Array *images, const Array *dweight, const Array *maps,
                    PyObject *work)
{
    Array memory, partials;
    PyObject *lent = NULL, *lent_partials = NULL;
    if (!plan_way(&plan, images, dweight, maps, 0))
        return 0;
    ptrdiff_t most = least_of(most_of(PARTIAL_BYTES / dweight->bytes, 1), PARTIALS);
    plan.lead = divide_up(plan.band * plan.pitch, MOST_LANES) * MOST_LANES;
    plan.block = most_of(divide_up(plan.samples, most), divide_up(BLOCK_PIXELS, plan.rows.run * plan.pitch));
    plan.blocks = divide_up(plan.samples, plan.block);
    plan.block = divide_up(plan.samples, plan.blocks); /* about the same size for all */
    plan.blocks = divide_up(plan.samples, plan.block);
    plan.share = most_of(divide_up(plan.outputs * plan.blocks * plan.groups, UNITS), 16);
    plan.share = least_of(divide_up(plan.share, MOST_DEEP) * MOST_DEEP, plan.outputs);
    plan.shares = divide_up(plan.outputs, plan.share);
    plan.units = plan.blocks * plan.groups * plan.shares;
    ptrdiff_t item = images->is_double ? sizeof(double) : sizeof(float), one = plan.planes + plan.share * plan.lead;
    plan.lot = plan.bands > 1 ? 1 : most_of(least_of(LOT_BYTES / (one * item), plan.block), 1);
    plan.slots = (double)dweight->size * maps->size / maps->shape[1] < SHARED_WORK ? 1
                                                                      : least_of(2 * threads_now(), plan.units);
    plan.slot = plan.lot * one;
    lent = lend(work, "lots", read, plan.slots * plan.slot, &memory);
    if (lent && plan.blocks > 1)
        lent_partials = lend(work, "partial gradients", read, plan.blocks * dweight->size, &partials);
    int is_done = lent && (lent_partials || plan.blocks == 1);
    if (is_done) {
        plan.x = images->data;
        plan.dy = maps->data;
        plan.memory = memory.data;
        plan.out = dweight->data;
        plan.partials = lent_partials ? partials.data : dweight->data;
        run_loop(PICK(gradient, images->is_double), &plan, plan.slots, 1);
        if (lent_partials)
            run_loop(PICK(add_partials, images->is_double), &plan, dweight->size, GRAIN / PARTIALS);
    }
    Py_XDECREF(lent);
    Py_XDECREF(lent_partials);
    free(plan.offsets);
    return is_done;
}

/* x, weight, bias or None, windows, out, work */
static PyObject *output(PyObject *numpy_way, PyObject *const *args, Py_ssize_t count, PyObject *names,
                        int is_transposed)
{
    Plan plan = {0};
    Array x, weight, bias, out;
    int biased = count == 6 && args[2] != Py_None;
    if (names || count != 6 || !take_real(args[0], READ, &x) || !take_of(&x, args[1], READ, &weight)
        || !take_of(&x, args[4], WRITE, &out) || !take_windows(args[3], &plan.rows, &plan.pixels)
        || !agree(&plan, is_transposed ? &out : &x, &weight, is_transposed ? &x : &out, is_transposed)
        || (biased && (!take_of(&x, args[2], READ, &bias) || bias.dimensions != 1 || bias.shape[0] != out.shape[1]
                       || !apart(&out, &bias)))
        || !apart(&out, &x) || !apart(&out, &weight)
        || !correlate(plan, args[0], is_transposed ? &out : &x, &weight, is_transposed ? &x : &out,
                      biased ? &bias : NULL, args[5], is_transposed))
        return PyErr_Occurred() ? NULL : hand_over(numpy_way, args, count, names);
    Py_INCREF(args[4]);
    return args[4];
}

KERNEL(convolution)
{
    return output(numpy_way, args, count, names, 0);
}

KERNEL(transposed_convolution)
{
    return output(numpy_way, args, count, names, 1);
}

/* x, weight, dy, windows, dx or None, dweight or None, work */
static PyObject *backward(PyObject *numpy_way, PyObject *const *args, Py_ssize_t count, PyObject *names,
                          int is_transposed)
{
    Plan plan = {0};
    Array x, weight, dy, dx, dweight;
    int by_x = count == 7 && args[4] != Py_None, by_weight = count == 7 && args[5] != Py_None;
    if (names || count != 7 || !take_real(args[0], READ, &x) || !take_of(&x, args[1], READ, &weight)
        || !take_of(&x, args[2], READ, &dy) || !take_windows(args[3], &plan.rows, &plan.pixels)
        || !agree(&plan, is_transposed ? &dy : &x, &weight, is_transposed ? &x : &dy, is_transposed)
        || (by_x && (!take_like(&x, args[4], WRITE, &dx) || !apart(&dx, &x) || !apart(&dx, &weight)
                     || !apart(&dx, &dy)))
        || (by_weight && (!take_like(&weight, args[5], WRITE, &dweight) || !apart(&dweight, &x)
                          || !apart(&dweight, &weight) || !apart(&dweight, &dy)))
        || (by_x && by_weight && !apart(&dx, &dweight))
        || (by_weight && !gradient(plan, args[0], is_transposed ? &dy : &x, &dweight, is_transposed ? &x : &dy,
                                   args[6]))
        || (by_x && !correlate(plan, args[0], is_transposed ? &dy : &dx, &weight, is_transposed ? &dx : &dy, NULL,
                               args[6], !is_transposed)))
        return PyErr_Occurred() ? NULL : hand_over(numpy_way, args, count, names);
    Py_RETURN_NONE;
}

KERNEL(convolution_backward)
{
    return backward(numpy_way, args, count, names, 0);
}

KERNEL(transposed_convolution_backward)
{
    return backward(numpy_way, args, count, names, 1);
}

/* dy, out, work */
KERNEL(sum_pixels)
{
    Array dy, out;
    if (names || count != 3 || !take_real(args[0], READ, &dy) || !take_of(&dy, args[1], WRITE, &out)
        || dy.dimensions != 4 || dy.size == 0 || out.dimensions != 1 || out.shape[0] != dy.shape[1]
        || !apart(&dy, &out))
        HAND_OVER;
    Sums sums = {.dy = dy.data, .out = out.data, .samples = dy.shape[0], .channels = dy.shape[1],
                 .pixels = dy.shape[2] * dy.shape[3]};
    ptrdiff_t of_channel = sums.samples * sums.pixels;
    run_loop(PICK(sum_pixels, dy.is_double), &sums, sums.channels, GRAIN / (of_channel + 1) + 1);
    Py_RETURN_NONE;
}

PyMethodDef convolution_kernels[] = {
    ENTRY(convolution), ENTRY(convolution_backward), ENTRY(transposed_convolution),
    ENTRY(transposed_convolution_backward), ENTRY(sum_pixels), {NULL},
};
