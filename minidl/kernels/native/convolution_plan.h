/* What convolution.c works on, and how it is laid out in memory. */
#ifndef MINIDL_CONVOLUTION_PLAN_H
#define MINIDL_CONVOLUTION_PLAN_H

#include "arrays.h"

#include <stdint.h>
#include <stdlib.h>

#include "registers.h"

/* One axis of images and maps. `shifts` and `phases` of a window's place say where it looks. */
typedef struct {
    ptrdiff_t kernel, stride, padding, dilation;
    ptrdiff_t source, run, outputs; /* sizes: of what is read, of an output's phase, of what is written */
    ptrdiff_t source_step, step;    /* the phases of what is read and of what is written; one of them is 1 */
    int back;                       /* whether maps are read and images are written */
    ptrdiff_t least, span;          /* the smallest shift, and from it to the largest */
} Axis;

/* An entry of a list of pixels or channels: where its numbers begin in what is read, and which one it is. */
typedef struct {
    int32_t from, at;
} Spot;

typedef struct {
    Axis rows, pixels;
    ptrdiff_t samples, groups, sources, outputs; /* channels of a group that are read and that are written */
    ptrdiff_t pitch, shared, band, bands, area;  /* of a padded phase: see `lay_out` */
    ptrdiff_t taps, *offsets, *places, *begins;  /* the taps, phase by phase; of each its number in the weight */
    ptrdiff_t units, slots, slot, planes;        /* the work's units, and the memory: parts, and numbers in each */
    ptrdiff_t block, blocks, lot, share, shares; /* of a weight's gradient: see `gradient` */
    ptrdiff_t lead;                              /* numbers of a row of results, or of gradients that are read */
    int in_strips;                               /* whether vectors run over channels: see convolution_channels.h */
    ptrdiff_t held, padded;                      /* there: rows of what is read, and room for the outputs */
    const void *x, *dy, *bias;
    void *out, *weights, *memory, *partials;
} Plan;

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
    /* where vectors run over channels: */
    LOT_PIXELS = 128,        /* of outputs at once, */
    SLOT_BYTES = 1 << 22,    /* the memory for them, at most, */
    STRIP_PIXELS = 512,      /* pixels of a block, at least, */
    STEPS = 128,             /* channels or pixels that are added up over at once, */
    SOME = 64,               /* pixels or outputs that are transposed at once, */
    WIDEST = 64,             /* and a multiple of the width of all strips */
    MOST_LANES = 64 / sizeof(float),
    VECTORS = 3,
    MOST_TALL = 8,
};

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
    plan->planes = round_up(plan->planes, MOST_LANES);
    plan->lead = round_up(plan->band * plan->pitch, MOST_LANES) + VECTORS * MOST_LANES;
    plan->slot = plan->planes + MOST_TALL * plan->lead;
    plan->lot = 1;
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

/* The outputs of an axis that see something at a place of the window. */
typedef struct {
    ptrdiff_t source, output, count, source_step, output_step;
} Seen;

static Seen see(const Axis *axis, ptrdiff_t place, ptrdiff_t first, ptrdiff_t end)
{
    const ptrdiff_t apart = place * axis->dilation - axis->padding, stride = axis->stride;
    const ptrdiff_t image = axis->back ? first : 0, images = axis->back ? end : axis->source;
    const ptrdiff_t map = most_of(axis->back ? 0 : first, divide_up(most_of(image - apart, 0), stride));
    const ptrdiff_t maps = least_of(axis->back ? axis->source : end, divide_up(most_of(images - apart, 0), stride));
    const ptrdiff_t at = map * stride + apart;
    return (Seen){axis->back ? map : at, axis->back ? at : map, most_of(maps - map, 0), axis->source_step, axis->step};
}

/* The rows of what is read that output rows see: how many, and in `first` the first of them. */
static ptrdiff_t rows_seen(const Axis *rows, ptrdiff_t row, ptrdiff_t end, ptrdiff_t *first)
{
    ptrdiff_t stop = 0;
    *first = rows->source;
    for (ptrdiff_t i = 0; i < rows->kernel; i++) {
        const Seen seen = see(rows, i, row, end);
        if (seen.count) {
            *first = least_of(*first, seen.source);
            stop = most_of(stop, seen.source + (seen.count - 1) * seen.source_step + 1);
        }
    }
    *first = least_of(*first, stop);
    return stop - *first;
}

/* Rows of the outputs of some samples; of what is read the rows that they see; and for each place of the window the
 * pixels that see something there, after an entry that says how many these are. */
typedef struct {
    ptrdiff_t sample, samples, row, rows, seen, rows_seen;
    Spot *pixels;
} Lot;

static Spot *list_pixels(const Plan *plan, const Lot *lot, ptrdiff_t i, ptrdiff_t j, Spot *spots)
{
    const Seen rows = see(&plan->rows, i, lot->row, lot->row + lot->rows);
    const Seen pixels = see(&plan->pixels, j, 0, plan->pixels.outputs);
    *spots++ = (Spot){0, (int32_t)(lot->samples * rows.count * pixels.count)};
    for (ptrdiff_t sample = 0; sample < lot->samples; sample++)
        for (ptrdiff_t v = 0; v < rows.count; v++) {
            const ptrdiff_t seen = sample * plan->held + rows.source + v * rows.source_step - lot->seen;
            const ptrdiff_t by = sample * lot->rows + rows.output + v * rows.output_step - lot->row;
            const ptrdiff_t from = seen * plan->pixels.source + pixels.source;
            const ptrdiff_t at = by * plan->pixels.outputs + pixels.output;
            for (ptrdiff_t u = 0; u < pixels.count; u++)
                *spots++ = (Spot){(int32_t)(from + u * pixels.source_step), (int32_t)(at + u * pixels.output_step)};
        }
    return spots;
}

/* The lot of the samples from `sample` on and the band from `row` on. Its lists are often those of the one before. */
static void go_to(const Plan *plan, Lot *lot, ptrdiff_t sample, ptrdiff_t row)
{
    const ptrdiff_t samples = least_of(plan->lot, plan->samples - sample);
    lot->sample = sample;
    if (lot->samples == samples && lot->row == row)
        return;
    lot->samples = samples;
    lot->row = row;
    lot->rows = least_of(plan->band, plan->rows.outputs - row);
    lot->rows_seen = rows_seen(&plan->rows, row, row + lot->rows, &lot->seen);
    Spot *spots = lot->pixels;
    for (ptrdiff_t i = 0; i < plan->rows.kernel; i++)
        for (ptrdiff_t j = 0; j < plan->pixels.kernel; j++)
            spots = list_pixels(plan, lot, i, j, spots);
}

/* List the channels; returns what comes after them. */
static Spot *list_channels(const Plan *plan, Spot *spots)
{
    for (ptrdiff_t channel = 0; channel < plan->sources; channel++)
        spots[channel] = (Spot){(int32_t)(channel * plan->area), (int32_t)channel};
    return spots + plan->sources;
}

/* How many samples and rows of outputs are computed at once, and how what they see lies in memory: (channel, sample,
 * row, pixel), with channels an odd number of cache lines apart. 0 where that would take too much. */
static int lay_out_strips(Plan *plan, int is_double)
{
    const ptrdiff_t item = is_double ? sizeof(double) : sizeof(float);
    const Axis *rows = &plan->rows, *pixels = &plan->pixels;
    plan->bands = divide_up(rows->outputs, most_of(LOT_PIXELS / pixels->outputs, 1));
    plan->band = divide_up(rows->outputs, plan->bands);
    plan->bands = divide_up(rows->outputs, plan->band);
    plan->lot = plan->bands > 1 ? 1 : most_of(LOT_PIXELS / (rows->outputs * pixels->outputs), 1);
    plan->lot = least_of(plan->lot, plan->samples);
    plan->held = 0;
    for (ptrdiff_t row = 0, first; row < rows->outputs; row += plan->band) {
        ptrdiff_t end = least_of(row + plan->band, rows->outputs);
        plan->held = most_of(plan->held, rows_seen(rows, row, end, &first));
    }
    plan->area = (divide_up(plan->lot * plan->held * pixels->source * item, 64) | 1) * 64 / item;
    const ptrdiff_t most = plan->lot * plan->band * pixels->outputs, spots = plan->taps / plan->sources * (most + 1);
    if (((double)plan->sources * plan->area + (double)most * plan->padded + 2.0 * spots) * item > SLOT_BYTES)
        return 0;
    plan->planes = plan->sources * plan->area;
    plan->lead = most * plan->padded;
    plan->slot = plan->planes + plan->lead + 2 * (plan->sources + spots); /* an entry is two numbers, or one */
    plan->slot = round_up(plan->slot, MOST_LANES);
    return 1;
}

#endif
