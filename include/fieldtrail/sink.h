/*
 * sink: makes rows durable. All calls on the task's thread.
 *
 * Grammar: start (recall claim ((put | leave_out)* flush)* release?)* stop. Sinks that store no
 * positions answer recall and claim without doing anything.
 *
 * A sink that must wait for its target calls `idle`, which keeps the source's session alive; no
 * call blocks for longer than 500 ms otherwise.
 */
#ifndef FIELDTRAIL_SINK_H
#define FIELDTRAIL_SINK_H

#include <fieldtrail/findings.h>
#include <fieldtrail/source.h>

struct sink_type;

/* Codes of faults that a sink sets where the task must know more than the kind. */
#define SINK_FENCED 1001  /* another owner has claimed a lane since */
#define SINK_MOVED 1002   /* the stored position is not the one this owner left */
#define SINK_UNKNOWN 1003 /* FAULT_RETRY for want of knowledge: perhaps it is one record's doing */

/* What a sink remembers of a lane. */
struct memory {
    int64_t next; /* or OFFSET_NONE: nothing is stored */
    int64_t last_us;
    int64_t epoch;
    int64_t held; /* of struct reach */
};

struct sink {
    const struct sink_type *type;
    size_t pending_bytes; /* taken by put since the last true flush */
    bool takes_messages;  /* it is put rows of logical messages too: op m, no field, and the columns
                             of message_layout */
    /* Waits until the descriptor is ready for `events` (of poll(2)) or the time is up, beating the
       source meanwhile; false where the task is to stop at once. Set by the task. */
    bool (*idle)(void *context, int fd, short events, int timeout_ms);
    void *idle_context;
    str origin; /* source.identity, set by the task before recall and claim */
    /* A flush that fails with FAULT_RECORD may say which record the target named: see blame.h.
       Cleared by the task before each flush. The task puts it to the test before it believes it. */
    bool blames;
    struct position blamed;
};

/* What is stored of a lane, for people to see. */
struct note {
    struct memory memory;
    char owner[100]; /* who claimed it last; empty: not known */
};

/* What the commands `offsets` and `check` ask of a sink while no task uses it: in place of the
   grammar above, in any order between create and stop. */
struct sink_desk {
    /* Reads what is stored of these lanes; note[i] belongs to lane[i]. Changes nothing and makes
       nothing: what is not there yet holds nothing. */
    bool (*inspect)(struct sink *sink, const struct lane *lane, struct note *note, size_t count,
                    struct fault *fault);
    /* Stores lane.next of all these lanes, or of none. The epoch is raised, so that nobody who has
       claimed a lane before can write on; the rest of what was stored of it (last_us, held) goes.
     */
    bool (*amend)(struct sink *sink, const struct lane *lane, size_t count, struct fault *fault);
    /* Looks whether the sink could do its work, and changes nothing. `sample` has the rows of the
       topics' last events, none where there were no events; the layout may not be ready then. */
    void (*check)(struct sink *sink, const struct batch *sample, struct findings *findings);
};

struct sink_type {
    const char *name;
    bool remembers; /* stores positions together with the rows */
    /* Its positions are never behind the source's own memory of them: where one is, the target is
       another one, or was restored without its rows. */
    bool leads;
    const struct sink_desk *desk; /* NULL: stores nothing, and there is nothing to check */
    /* Reads what is stored of these lanes, without claiming them: a claim follows, and rows that
       were put and not flushed may be forgotten here already. memory[i] belongs to lane[i]. */
    bool (*recall)(struct sink *sink, const struct lane *lane, struct memory *memory, size_t count,
                   struct fault *fault);
    /* Takes the assigned and incoming lanes for this owner, fencing off every other; a lane
       without a stored position gets lane.next. All lanes given are stored, ours or not. Gives in
       memory[i] where each stands now. Connects anew where it must. */
    bool (*claim)(struct sink *sink, const struct lane *lane, struct memory *memory, size_t count,
                  struct fault *fault);
    /* Takes the rows of one whole record, all or none: on false (FAULT_RECORD: one of them can
       never be written; else environment) nothing of the record is kept. The rows are copied or
       sent; the batch may be reset afterwards. */
    bool (*put)(struct sink *sink, const struct batch *batch, const struct row *row, size_t count,
                struct fault *fault);
    /* This record gets no rows: it was refused, and is kept as a dead letter. Stored by the next
       true flush together with the position that moves past it, forgotten where puts are; so that
       who replays letters can tell the records that are missing from those that were written by a
       later try. False as put's environment. NULL: the sink has no replay, nothing is stored. */
    bool (*leave_out)(struct sink *sink, struct position at, struct fault *fault);
    /* True: every row put so far is as durable as this sink can make it (each sink says how far),
       and so are the positions, where it remembers them; `reach` has the lanes that moved, numbers
       into `lane`. False: the sink has forgotten every row since the last true flush, or does not
       know (a lost answer): claim settles it. */
    bool (*flush)(struct sink *sink, const struct lane *lane, const struct reach *reach,
                  size_t count, struct fault *fault);
    /* As flush, but undone at the end: true where the target would take what was put since the
       last true flush. All of that is forgotten either way, and claim comes next. NULL: the sink
       cannot tell; errors that it does not know are then the environment's for good. */
    bool (*rehearse)(struct sink *sink, struct fault *fault);
    /* Lanes with `outgoing` set are about to be given up, and those that came in and went before
       they were assigned: what was not flushed is dropped, of all lanes, and what keeps another
       owner from claiming those is opened. NULL: nothing does, for a claim fences whoever was
       there before. */
    void (*release)(struct sink *sink, const struct lane *lane, size_t count);
    /* Ends it and frees it; what was not flushed is dropped. */
    void (*stop)(struct sink *sink);
};

/* For sinks that store no positions: recall and claim, and the desk's two. */
static inline MUST_CHECK bool sink_recall_nothing(struct sink *sink, const struct lane *lane,
                                                  struct memory *memory, size_t count,
                                                  struct fault *fault)
{
    (void)sink, (void)lane, (void)fault;
    for (size_t i = 0; i < count; i++)
        memory[i] = (struct memory){OFFSET_NONE, TIME_UNKNOWN, 0, OFFSET_NONE};
    return true;
}

static inline MUST_CHECK bool sink_inspect_nothing(struct sink *sink, const struct lane *lane,
                                                   struct note *note, size_t count,
                                                   struct fault *fault)
{
    (void)sink, (void)lane, (void)fault;
    for (size_t i = 0; i < count; i++)
        note[i] = (struct note){.memory = {OFFSET_NONE, TIME_UNKNOWN, 0, OFFSET_NONE}};
    return true;
}

static inline MUST_CHECK bool sink_amend_nothing(struct sink *sink, const struct lane *lane,
                                                 size_t count, struct fault *fault)
{
    (void)sink, (void)lane, (void)count, (void)fault;
    return true;
}

static inline MUST_CHECK bool sink_put(struct sink *sink, const struct batch *batch,
                                       const struct row *row, size_t count, struct fault *fault)
{
    return sink->type->put(sink, batch, row, count, fault);
}

static inline MUST_CHECK bool sink_leave_out(struct sink *sink, struct position at,
                                             struct fault *fault)
{
    return !sink->type->leave_out || sink->type->leave_out(sink, at, fault);
}

static inline MUST_CHECK bool sink_flush(struct sink *sink, const struct lane *lane,
                                         const struct reach *reach, size_t count,
                                         struct fault *fault)
{
    return sink->type->flush(sink, lane, reach, count, fault);
}

static inline void sink_release(struct sink *sink, const struct lane *lane, size_t count)
{
    if (sink->type->release)
        sink->type->release(sink, lane, count);
}

#endif
