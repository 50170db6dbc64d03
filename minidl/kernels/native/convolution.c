/* Convolutions and what takes their gradients back, without columns: see kernels/convolution.py.
 *
 * For each output pixel, a place of the window sees one pixel of the images (or, on the way back, of the maps), which
 * is multiplied by the weight there and added to the output. Vectors of such numbers are found in two ways.
 * With many channels, they run over the channels of what is written: see convolution_channels.h.
 * Else they run over neighbouring pixels: see convolution_loops.h. With the windows' stride, images fall apart into
 * phases: phase (a, b) has the pixels of rows stride * v + a and columns stride * u + b. What a place of the window
 * sees of a phase is then the same phase moved by whole pixels. So a band of output rows is the sum, over all channels
 * and places ("taps"), of a number times one run of memory that begins at the tap's offset in the padded phases of
 * the band. The pixels between the end of a row and the beginning of the next one are computed, too, and dropped.
 * The gradient by the images is of the same kind: there the outputs have phases, and each has taps of its own.
 */
#include "convolution_plan.h"

#include <string.h>

/* The sum of each channel. */
typedef struct {
    const void *dy;
    void *out;
    ptrdiff_t samples, channels, pixels;
} Sums;

/* What fits the registers of each kind of CPU: outputs at once, and those of a gradient. */
enum { TALL_base = 4, TALL_avx2 = 4, TALL_avx512 = 8 };
enum { DEEP_base = 2, DEEP_avx2 = 2, DEEP_avx512 = 4 };
enum { MOST_DEEP = 4 };

/* The same where vectors run over channels: vectors of a strip, and rows at once for it and for one half as wide. */
enum { STRIP_base = 2, STRIP_avx2 = 2, STRIP_avx512 = 4 };
enum { HEIGHT_base = 4, HEIGHT_avx2 = 6, HEIGHT_avx512 = 6 };
enum { HALF_HEIGHT_base = 8, HALF_HEIGHT_avx2 = 8, HALF_HEIGHT_avx512 = 8 };
enum { MOST_STRIP = 4, MOST_HEIGHT = 8 };

#define FAMILY "convolution_loops.h"
#include "levels.h"

LOOPS(pack);
LOOPS(correlate);
LOOPS(gradient);
LOOPS(add_partials);
LOOPS(sum_pixels);
LOOPS(pack_strips);
LOOPS(correlate_strips);
LOOPS(gradient_strips);
LOOPS(add_strips);

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

/* Whether vectors run over channels: these must be many, and with few pixels in a row others are filled badly. */
static int strips_pay(const Plan *plan, int is_gradient)
{
    if (is_gradient)
        return plan->outputs >= 24 && plan->sources >= 8;
    return plan->sources >= 16 && (2 * plan->outputs > WIDEST || (plan->outputs >= 24 && plan->pixels.run <= 8));
}

static int plan_way(Plan *plan, const Array *images, const Array *weight, const Array *maps, int back,
                    int is_gradient)
{
    const ptrdiff_t channels = weight->shape[1], of_maps = maps->shape[1] / plan->groups;
    plan->sources = back ? of_maps : channels;
    plan->outputs = back ? channels : of_maps;
    plan->taps = plan->sources * plan->rows.kernel * plan->pixels.kernel;
    plan->padded = round_up(plan->outputs, WIDEST);
    direct(&plan->rows, images->shape[2], maps->shape[2], back);
    direct(&plan->pixels, images->shape[3], maps->shape[3], back);
    plan->in_strips = strips_pay(plan, is_gradient) && lay_out_strips(plan, images->is_double);
    return plan->in_strips || (lay_out(plan, images->is_double) && list_taps(plan));
}

/* out = the sum over all taps of what is read times the weight, + bias; 0 where that was not done. */
static int correlate(Plan plan, PyObject *read, const Array *images, const Array *weight, const Array *maps,
                     const Array *bias, PyObject *work, int back)
{
    Array memory;
    PyObject *lent = NULL;
    if (!plan_way(&plan, images, weight, maps, back, 0))
        return 0;
    double multiplications = (double)weight->size / plan.groups * maps->size / maps->shape[1] * plan.groups;
    plan.units = divide_up(plan.samples, plan.lot) * plan.groups * plan.bands;
    plan.slots = multiplications < SHARED_WORK ? 1 : least_of(2 * threads_now(), plan.units);
    const ptrdiff_t of_tap = plan.groups * (plan.in_strips ? plan.padded : plan.outputs + plan.outputs % 2);
    const ptrdiff_t packed = round_up(plan.taps * of_tap, MOST_LANES);
    lent = lend(work, "bands", read, packed + plan.slots * plan.slot, &memory);
    if (lent) {
        ptrdiff_t item = images->is_double ? sizeof(double) : sizeof(float);
        plan.x = back ? maps->data : images->data;
        plan.out = back ? images->data : maps->data;
        plan.bias = bias ? bias->data : NULL;
        plan.dy = weight->data;
        plan.weights = memory.data;
        plan.memory = (char *)memory.data + packed * item;
        if (plan.in_strips) {
            PICK(pack_strips, images->is_double)(&plan, 0, plan.groups);
            run_loop(PICK(correlate_strips, images->is_double), &plan, plan.slots, 1);
        }
        else {
            PICK(pack, images->is_double)(&plan, 0, plan.groups);
            run_loop(PICK(correlate, images->is_double), &plan, plan.slots, 1);
        }
        Py_DECREF(lent);
    }
    free(plan.offsets);
    return lent != NULL;
}

/* dweight = the sum over all samples and pixels of dy times what each place of the window sees of the images.
 * Each block of samples, or of samples and bands where vectors run over channels, has a sum of its own, and how many
 * blocks there are depends on the shapes alone. */
static int gradient(Plan plan, PyObject *read, const Array *images, const Array *dweight, const Array *maps,
                    PyObject *work)
{
    Array memory, partials;
    PyObject *lent = NULL, *lent_partials = NULL;
    if (!plan_way(&plan, images, dweight, maps, 0, 1))
        return 0;
    const int in_strips = plan.in_strips;
    const ptrdiff_t item = images->is_double ? sizeof(double) : sizeof(float);
    const ptrdiff_t size = in_strips ? plan.groups * plan.taps * plan.padded : dweight->size;
    const ptrdiff_t most = least_of(most_of(PARTIAL_BYTES / (size * item), 1), PARTIALS);
    const ptrdiff_t lots = in_strips ? divide_up(plan.samples, plan.lot) * plan.bands : plan.samples;
    const ptrdiff_t of_lot = in_strips ? plan.lot * plan.band * plan.pixels.outputs : plan.rows.run * plan.pitch;
    plan.block = most_of(divide_up(lots, most), divide_up(in_strips ? STRIP_PIXELS : BLOCK_PIXELS, of_lot));
    plan.blocks = divide_up(lots, plan.block);
    plan.block = divide_up(lots, plan.blocks); /* about the same size for all */
    plan.blocks = divide_up(lots, plan.block);
    const ptrdiff_t unit = in_strips ? WIDEST : MOST_DEEP;
    plan.share = most_of(divide_up(plan.outputs * plan.blocks * plan.groups, UNITS), 16);
    plan.share = least_of(round_up(plan.share, unit), plan.outputs);
    plan.shares = divide_up(plan.outputs, plan.share);
    plan.units = plan.blocks * plan.groups * plan.shares;
    if (!in_strips) {
        plan.lead = round_up(plan.band * plan.pitch, MOST_LANES);
        const ptrdiff_t one = plan.planes + plan.share * plan.lead;
        plan.lot = plan.bands > 1 ? 1 : most_of(least_of(LOT_BYTES / (one * item), plan.block), 1);
        plan.slot = plan.lot * one;
    }
    const int is_small = (double)dweight->size * maps->size / maps->shape[1] < SHARED_WORK;
    plan.slots = is_small ? 1 : least_of(2 * threads_now(), plan.units);
    lent = lend(work, "lots", read, plan.slots * plan.slot, &memory);
    if (lent && (plan.blocks > 1 || in_strips))
        lent_partials = lend(work, "partial gradients", read, plan.blocks * size, &partials);
    int is_done = lent && (lent_partials || (plan.blocks == 1 && !in_strips));
    if (is_done) {
        plan.x = images->data;
        plan.dy = maps->data;
        plan.memory = memory.data;
        plan.out = dweight->data;
        plan.partials = lent_partials ? partials.data : dweight->data;
        if (in_strips) {
            run_loop(PICK(gradient_strips, images->is_double), &plan, plan.slots, 1);
            run_loop(PICK(add_strips, images->is_double), &plan, plan.groups * plan.sources,
                     GRAIN * plan.groups * plan.sources / (size * plan.blocks) + 1);
        }
        else {
            run_loop(PICK(gradient, images->is_double), &plan, plan.slots, 1);
            if (lent_partials)
                run_loop(PICK(add_partials, images->is_double), &plan, dweight->size, GRAIN / PARTIALS);
        }
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
    RETURN_NONE;
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
    RETURN_NONE;
}

PyMethodDef convolution_kernels[] = {
    ENTRY(convolution), ENTRY(convolution_backward), ENTRY(transposed_convolution),
    ENTRY(transposed_convolution_backward), ENTRY(sum_pixels), {NULL},
};
