/*
 * At first all values of a shape are taken to be constant. A text that differs in some of them is
 * walked with care, and from then on those are looked at: in their places as long as they are
 * written alike, and read where they are not. Nothing that was learned is ever freed
 * before the end, because names and constant texts point into it; the memory has a limit, behind
 * which nothing more is learned.
 */
#include "shape.h"

#include "mem.h"
#include "tree.h"
#include "walk.h"

#define SHAPES_BYTES_LIMIT ((size_t)64 * 1024 * 1024)
#define SAMPLE_BYTES_LIMIT ((size_t)256 * 1024)
#define SPAN_LIMIT 32768
/* Of one group so many are kept, the last used first; the one that was not used for longest makes
   room. */
#define GROUP_SHAPES 16
#define GROUP_SLOTS 256
/* Where texts are like none that was learned, again and again, learning them is no use: behind so
   many in a row only every text at a power of two is learned. */
#define PATIENCE 32

struct learned {
    struct shape shape;
    struct learned *next;
    uint64_t group;
    str sample;
    struct stencil stencil; /* of the sample */
    struct leaf *leaf;
    struct fixed *fixed; /* of all steps, in their order */
    struct step *step;
    uint64_t head, head_mask; /* the bytes from HEAD_FROM on, and those of them that never vary */
    size_t leaf_count;
    bool inner;            /* the root is a container whose children are kept */
    size_t before, behind; /* blanks around it */
};

struct shapes {
    unsigned keep_depth;
    walk *walk;
    uint64_t misses; /* in a row */
    struct learned *slot[GROUP_SLOTS];
    struct arena arena;
    struct arena scratch;
};

struct shapes *shapes_new(unsigned keep_depth)
{
    struct shapes *shapes = mem_alloc(sizeof(*shapes));
    if (!shapes)
        return NULL;
    *shapes = (struct shapes){.keep_depth = keep_depth, .walk = walk_choose()};
    arena_init(&shapes->arena, SHAPES_BYTES_LIMIT);
    arena_init(&shapes->scratch, SPAN_LIMIT * sizeof(struct span) + SAMPLE_BYTES_LIMIT);
    return shapes;
}

void shapes_free(struct shapes *shapes)
{
    if (!shapes)
        return;
    arena_release(&shapes->arena);
    arena_release(&shapes->scratch);
    mem_free(shapes);
}

struct arena *shapes_arena(struct shapes *shapes)
{
    return &shapes->arena;
}

static struct learned **group_slot(struct shapes *shapes, uint64_t group)
{
    return &shapes->slot[(group * 0x9e3779b97f4a7c15ULL) >> 56];
}

/* ---- walking ---- */

static bool fill(const struct shapes *shapes, const struct learned *learned, str text,
                 struct arena *texts)
{
    if (!shapes->walk(learned->step, text, texts))
        return false;
    if (learned->inner)
        learned->shape.root->text = (str){text.ptr + learned->before,
                                          text.len - learned->before - learned->behind};
    return true;
}

static str leaf_sample(const struct learned *learned, const struct leaf *leaf)
{
    return (str){learned->sample.ptr + leaf->from, leaf->to - leaf->from};
}

/* The text with all leaves taken to vary. Where it has the shape, they are told their texts. */
static bool walk_with_care(struct learned *learned, str text, struct arena *texts)
{
    const char *at = text.ptr, *end = text.ptr + text.len, *sample = learned->sample.ptr;
    size_t done = 0;
    for (size_t i = 0; i < learned->leaf_count; i++) {
        struct leaf *leaf = &learned->leaf[i];
        struct json node;
        size_t len = leaf->from - done;
        if ((size_t)(end - at) < len || memcmp(at, sample + done, len) != 0)
            return false;
        at += len;
        const char *behind = tree_read_leaf(&node, at, end, leaf->deepest, texts);
        if (!behind)
            return false;
        leaf->text = (str){at, (size_t)(behind - at)};
        at = behind;
        done = leaf->to;
    }
    size_t rest = learned->sample.len - done;
    return (size_t)(end - at) == rest && memcmp(at, sample + done, rest) == 0;
}

/* ---- steps ---- */

/* Lets the leaf's places vary, and tells the walk where its text stands: behind a quote. Gives the
   place for the next. */
static struct fixed *fix(struct learned *learned, const struct leaf *leaf, size_t step_from,
                         struct fixed *fixed)
{
    str sample = leaf_sample(learned, leaf);
    bool quoted = sample.ptr[0] == '"';
    stencil_loosen(&learned->stencil, leaf->from, sample);
    leaf->node->text = (str){NULL, leaf->idle ? 0 : sample.len - (quoted ? 2 : 0)};
    *fixed = (struct fixed){leaf->node, leaf->from - step_from + quoted};
    return leaf->idle ? fixed : fixed + 1;
}

/* A payload begins with {"before": and what stands there tells creates from the others. */
#define HEAD_FROM 8

/* False where the text has another head, by which it is told without a walk. */
static inline bool has_head(const struct learned *learned, str text)
{
    uint64_t head;
    if (text.len < HEAD_FROM + sizeof(head))
        return true;
    memcpy(&head, text.ptr + HEAD_FROM, sizeof(head));
    return ((head ^ learned->head) & learned->head_mask) == 0;
}

/* Only what stands before the first loose leaf has its place for certain. */
static void build_head(struct learned *learned)
{
    unsigned char *head = (unsigned char *)&learned->head;
    unsigned char *mask = (unsigned char *)&learned->head_mask;
    for (size_t i = 0; i < sizeof(learned->head); i++) {
        size_t at = HEAD_FROM + i;
        bool stays = at < learned->step->len && learned->stencil.span[at] == 0;
        head[i] = stays ? learned->stencil.low[at] : 0;
        mask[i] = stays ? 0xff : 0;
    }
}

static void build_steps(struct learned *learned)
{
    size_t done = 0;
    struct step *step = learned->step;
    struct fixed *fixed = learned->fixed, *first = fixed;
    stencil_draw(&learned->stencil, learned->sample);
    for (size_t i = 0; i <= learned->leaf_count; i++) {
        struct leaf *leaf = i < learned->leaf_count ? &learned->leaf[i] : NULL;
        if (leaf && leaf->varies && !leaf->loose)
            fixed = fix(learned, leaf, done, fixed);
        if (leaf && !leaf->loose)
            continue;
        size_t to = leaf ? leaf->from : learned->sample.len;
        *step = (struct step){.want = stencil_from(learned->stencil, done),
                              .len = to - done,
                              .fixed = first,
                              .fixed_end = fixed,
                              .leaf = leaf};
        if (leaf) {
            step->node = leaf->node;
            step->next = learned->sample.ptr[leaf->to];
            done = leaf->to;
        }
        step_prepare(step++);
        first = fixed;
    }
    build_head(learned);
}

static bool fits_with_care(const struct shapes *shapes, struct learned *learned, str text,
                           struct arena *texts)
{
    if (!walk_with_care(learned, text, texts))
        return false;
    for (size_t i = 0; i < learned->leaf_count; i++) {
        struct leaf *leaf = &learned->leaf[i];
        str sample = leaf_sample(learned, leaf);
        bool differs = !str_eq(leaf->text, sample);
        leaf->varies = leaf->varies || differs;
        leaf->loose = leaf->loose || (differs && !stencil_is_like(sample, leaf->text));
    }
    learned->shape.turns++;
    build_steps(learned);
    return fill(shapes, learned, text, texts);
}

/* ---- the memory ---- */

typedef bool fits(const struct shapes *, struct learned *, str, struct arena *);

static bool fits_quickly(const struct shapes *shapes, struct learned *learned, str text,
                         struct arena *texts)
{
    return has_head(learned, text) && fill(shapes, learned, text, texts);
}

static struct shape *find(const struct shapes *shapes, struct learned **slot, uint64_t group,
                          str text, struct arena *texts, fits *fit)
{
    for (struct learned **link = slot; *link; link = &(*link)->next) {
        struct learned *learned = *link;
        if (learned->group != group || !fit(shapes, learned, text, texts))
            continue;
        *link = learned->next;
        learned->next = *slot;
        *slot = learned;
        return &learned->shape;
    }
    return NULL;
}

bool shape_is_settled(const struct shape *shape, const struct json *node)
{
    /* The shape is the first member. */
    const struct learned *learned = (const struct learned *)shape;
    for (size_t i = 0; i < learned->leaf_count; i++)
        if (learned->leaf[i].node == node)
            return !learned->leaf[i].varies;
    return true;
}

struct shape *shapes_recall(struct shapes *shapes, uint64_t group, str text, struct arena *texts)
{
    struct learned **slot = group_slot(shapes, group);
    struct shape *shape = find(shapes, slot, group, text, texts, fits_quickly);
    if (!shape)
        shape = find(shapes, slot, group, text, texts, fits_with_care);
    shapes->misses = shape ? 0 : shapes->misses + 1;
    return shape;
}

void shape_narrow(struct shape *shape, shape_asks *asks, const void *context)
{
    struct learned *learned = (struct learned *)shape;
    for (size_t i = 0; i < learned->leaf_count; i++)
        learned->leaf[i].idle = !asks(context, learned->leaf[i].node);
    build_steps(learned);
}

bool shape_widen(const struct shapes *shapes, struct shape *shape, str text, struct arena *texts)
{
    struct learned *learned = (struct learned *)shape;
    for (size_t i = 0; i < learned->leaf_count; i++)
        learned->leaf[i].idle = false;
    build_steps(learned);
    return fill(shapes, learned, text, texts);
}

/* Of a full group the last goes out of the list. */
static void make_room(struct learned **slot, uint64_t group)
{
    struct learned **last = NULL;
    size_t count = 0;
    for (struct learned **link = slot; *link; link = &(*link)->next) {
        if ((*link)->group == group) {
            last = link;
            count++;
        }
    }
    if (count >= GROUP_SHAPES)
        *last = (*last)->next;
}

static void take_spans(struct learned *learned, const struct span_list *spans)
{
    for (size_t i = 0; i < spans->count; i++) {
        const struct span *span = &spans->item[i];
        if (!span->inner)
            learned->leaf[learned->leaf_count++] = (struct leaf){
                .node = span->node, .from = span->from, .to = span->to, .deepest = span->deepest};
        else if (span->node->child)
            span->node->text = STR_EMPTY;
    }
    /* The root is the first of them. */
    learned->inner = spans->item->inner;
    learned->before = spans->item->from;
    learned->behind = learned->sample.len - spans->item->to;
}

/* As many values as the text can have at the most. */
static size_t count_values(str text)
{
    size_t count = 1;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == ',' || text.ptr[i] == '{' || text.ptr[i] == '[';
    return count;
}

static struct learned *learn(struct shapes *shapes, str text)
{
    struct json_memory memory = {&shapes->arena, &shapes->arena};
    struct span_list spans = {.limit = count_values(text)};
    struct learned *learned = ARENA_NEW(&shapes->arena, struct learned, 1);
    if (spans.limit > SPAN_LIMIT || !learned || !arena_copy(&shapes->arena, text, &learned->sample)
        || !stencil_init(&learned->stencil, text.len, &shapes->arena)
        || !(spans.item = arena_alloc(&shapes->scratch, spans.limit * sizeof(*spans.item))))
        return NULL;
    if (!tree_read(learned->sample, shapes->keep_depth, memory, &spans, &learned->shape.root))
        return NULL;
    learned->leaf = ARENA_NEW(&shapes->arena, struct leaf, spans.count);
    learned->step = ARENA_NEW(&shapes->arena, struct step, spans.count + 1);
    learned->fixed = ARENA_NEW(&shapes->arena, struct fixed, spans.count);
    if (!learned->leaf || !learned->step || !learned->fixed)
        return NULL;
    take_spans(learned, &spans);
    build_steps(learned);
    return learned;
}

void shapes_learn(struct shapes *shapes, uint64_t group, str text)
{
    uint64_t misses = shapes->misses;
    if (text.len > SAMPLE_BYTES_LIMIT || (misses > PATIENCE && (misses & (misses - 1)) != 0))
        return;
    struct learned *learned = learn(shapes, text);
    arena_reset(&shapes->scratch);
    if (!learned)
        return;
    struct learned **slot = group_slot(shapes, group);
    make_room(slot, group);
    learned->group = group;
    learned->next = *slot;
    *slot = learned;
}
