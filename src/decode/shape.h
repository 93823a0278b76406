/*
 * shape: messages of one table differ in few places. A shape is the bytes that stay the same, with
 * the tree they make; a text that has them too is read by comparing them and looking only at the
 * places between. It gives the tree that json_parse would give, or none; but nodes with
 * children have no text, apart from the root: nobody reads it.
 */
#ifndef FIELDTRAIL_SHAPE_H
#define FIELDTRAIL_SHAPE_H

#include "json.h"

struct shapes;

struct shape {
    /* Filled with the present text. Its nodes are the same ones each time; names, and the texts
       that have never changed, live as long as the shapes. */
    struct json *root;
    void *note;     /* what the caller has worked out for this shape; NULL at first */
    unsigned turns; /* how often more of its values turned out to vary */
};

/* Shapes of texts that json_parse would read with this `keep_depth`. */
struct shapes *shapes_new(unsigned keep_depth);
void shapes_free(struct shapes *shapes);

/* Memory that lives as long as the shapes, for notes. */
struct arena *shapes_arena(struct shapes *shapes);

/* The shape of the text, filled with it, or NULL where it is like none that was learned under this
   group's number. Valid until the next recall. Texts that an escape forces to be copied go into
   `texts`. */
struct shape *shapes_recall(struct shapes *shapes, uint64_t group, str text, struct arena *texts);

/* Whether the node has been the same in all texts of the shape so far: a scalar that never varied,
   or a container whose children are kept. True for NULL. What follows from such nodes alone holds
   until the shape takes another turn. */
bool shape_is_settled(const struct shape *shape, const struct json *node);

/* Whether anybody reads the node. */
typedef bool shape_asks(const void *context, const struct json *node);

/* From the next recall on, scalars that vary are filled only where they are asked for; the others
   have no text. The present texts are lost. */
void shape_narrow(struct shape *shape, shape_asks *asks, const void *context);

/* The same for all of them, from now on: `text` is the one that the shape was recalled for. False
   where memory ran out. */
bool shape_widen(const struct shapes *shapes, struct shape *shape, str text,
                 struct arena *texts) MUST_CHECK;

/* Learns the text, which json_parse has taken: texts like it are recalled from now on, as far as
   the memory for shapes reaches. */
void shapes_learn(struct shapes *shapes, uint64_t group, str text);

#endif
