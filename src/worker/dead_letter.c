/*
 * What a dead letter says of its cause.
 */
#include "dead_letter.h"

#include <stdarg.h>

/* What Connect calls the exception's class: there is one, for only data is dead-lettered. */
#define EXCEPTION_CLASS "fieldtrail.RecordFault"

struct cause {
    struct buf *text;
    struct header *header;
    size_t start[LETTER_HEADERS_LIMIT];
    size_t count;
};

/* Begins a header, whose value is what is appended to the text from here on. */
static void begin(struct cause *cause, const char *name)
{
    cause->start[cause->count] = cause->text->len;
    cause->header[cause->count++] = (struct header){.name = str_from(name), .has_value = true};
}

/* The text may have moved while it grew: values are cut from it at the end. */
static void cut_values(struct cause *cause)
{
    for (size_t i = 0; i < cause->count; i++) {
        size_t end = i + 1 < cause->count ? cause->start[i + 1] : cause->text->len;
        cause->header[i].value = (str){cause->text->ptr + cause->start[i], end - cause->start[i]};
    }
}

static void put_origin(struct cause *cause, const struct record *record)
{
    begin(cause, LETTER_HEADER_PREFIX "topic");
    buf_str(cause->text, record->topic);
    begin(cause, LETTER_HEADER_PREFIX "partition");
    buf_format(cause->text, "%d", record->partition);
    begin(cause, LETTER_HEADER_PREFIX "offset");
    buf_format(cause->text, "%lld", (long long)record->offset);
}

size_t dead_letter_headers(const struct dead_letters *letters, const struct dead_letter *letter,
                           struct buf *text, struct header header[LETTER_HEADERS_LIMIT])
{
    struct cause cause = {.text = text, .header = header};
    if (letter->record->offset >= 0)
        put_origin(&cause, letter->record);
    if (letters->connector.len > 0) {
        begin(&cause, LETTER_HEADER_PREFIX "connector.name");
        buf_str(text, letters->connector);
        begin(&cause, LETTER_HEADER_PREFIX "task.id");
        buf_format(text, "%d", letters->task_id);
    }
    begin(&cause, LETTER_HEADER_PREFIX "stage");
    buf_str(text, str_from(letter->stage));
    begin(&cause, LETTER_HEADER_PREFIX "class.name");
    buf_format(text, "fieldtrail.%s", letter->class_name);
    begin(&cause, LETTER_HEADER_PREFIX "exception.class.name");
    buf_str(text, STR(EXCEPTION_CLASS));
    begin(&cause, LETTER_HEADER_PREFIX "exception.message");
    buf_str(text, str_from(letter->cause->text));
    begin(&cause, LETTER_HEADER_PREFIX "exception.stacktrace");
    buf_format(text, "%s: %s\n\tat fieldtrail.%s(%.*s)", EXCEPTION_CLASS, letter->cause->text,
               letter->class_name, STR_ARG(letter->place));
    begin(&cause, LETTER_PLACE_HEADER);
    buf_str(text, letter->place);
    cut_values(&cause);
    return cause.count;
}
