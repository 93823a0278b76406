/*
 * start: where reading of a lane begins. It is always decided here, and never by a client's reset.
 */
#ifndef FIELDTRAIL_START_H
#define FIELDTRAIL_START_H

#include <fieldtrail/sink.h>

enum start_reset { START_EARLIEST, START_LATEST, START_NONE };

/* Sets `next`, `held` and `last_us` of all lanes of the topics that are coming in or ours, from
   what the sink remembers (memory[i] belongs to lane[i]), from what the source does, and else by
   `reset`:
     - the sink's position, which must lie within the log;
     - a partition without one in a topic that has some is new and begins at its beginning;
     - where the sink remembers nothing of a topic but the source does, the target is another one or
       was restored: that is refused for sinks that remember, and the source's word for all others;
     - the same is told by a position behind the source's, where the sink leads.
   FAULT_CONFIG with the remedy. */
bool start_resolve(struct lane *lane, const struct memory *memory, size_t count,
                   const struct sink_type *sink, enum start_reset reset,
                   struct fault *fault) MUST_CHECK;

/* For sinks that remember nothing: who tells the source's own memory where a lane begins of which
   it knows nothing. */
enum start_word {
    START_NOT_TOLD, /* it is known, or another owner's to tell */
    START_TOLD,     /* by us */
    START_AWAITED   /* it is ours to read, but not to tell: nothing is read before it is known */
};

/* Each owner tells the start of its own lanes alone: what is told of another's may come after that
   one has moved on, and nothing would set it right. But "latest" is another place whenever it is
   resolved; there the owner of the topic's first partition tells the start of all of them at once,
   and the others wait for it. */
enum start_word start_word(const struct lane *lane, size_t count, size_t nth,
                           enum start_reset reset);

#endif
