/*
 * The table of semantic types. Texts of numbers, decimals and times are not yet turned into what
 * the database prints: a type that is not listed passes its JSON value on as it came.
 */
#include "types.h"

static struct value read_plain(const struct json *json)
{
    switch (json->kind) {
    case JSON_NULL:
        return (struct value){VALUE_NULL, STR_EMPTY};
    case JSON_BOOL:
        return (struct value){VALUE_BOOL, json->text};
    case JSON_NUMBER:
        return (struct value){VALUE_NUMBER, json->text};
    case JSON_STRING:
        return (struct value){VALUE_TEXT, json->text};
    case JSON_ARRAY:
    case JSON_OBJECT:
        return (struct value){VALUE_JSON, json->text};
    }
    return (struct value){VALUE_ABSENT, STR_EMPTY};
}

/* The document stands in a string. */
static struct value read_document(const struct json *json)
{
    struct value value = read_plain(json);
    if (value.kind == VALUE_TEXT)
        value.kind = VALUE_JSON;
    return value;
}

#define MS 1000
#define US 1000000
#define NS 1000000000

static const struct type plain = {"", 0, read_plain};

static const struct type types[] = {
    {"io.debezium.data.Json", 0, read_document},
    {"io.debezium.time.Timestamp", MS, read_plain},
    {"io.debezium.time.MicroTimestamp", US, read_plain},
    {"io.debezium.time.NanoTimestamp", NS, read_plain},
    {"org.apache.kafka.connect.data.Timestamp", MS, read_plain},
};

const struct type *type_by_name(str name)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (str_is(name, types[i].name))
            return &types[i];
    return &plain;
}

/* Forms of the placeholder, after Debezium's UnchangedToastedPlaceholder: the text, its base64 and
   hex for bytes, in arrays too, as map, and as the codes of its letters for arrays of numbers. */
#define PLACEHOLDER "__debezium_unavailable_value"
#define BASE64 "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="
#define HEX "5f5f646562657a69756d5f756e617661696c61626c655f76616c7565"
/* UUID.nameUUIDFromBytes of the text. */
#define UUID "b68a35a7-17ad-35b3-af2a-ae46edb4545a"

#define FORM(literal)                                                                              \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    }
#define CODES                                                                                      \
    "[95,95,100,101,98,101,122,105,117,109,95,117,110,97,118,97,105,108,97,98,108,101,95,118,97,"  \
    "108,117,101]"

static const str text_forms[] = {FORM(PLACEHOLDER), FORM(BASE64), FORM(HEX),
                                 FORM("{\"" PLACEHOLDER "\":\"" PLACEHOLDER "\"}")};

static const str container_forms[] = {FORM("[\"" PLACEHOLDER "\"]"),
                                      FORM("[\"" BASE64 "\"]"),
                                      FORM("[\"" HEX "\"]"),
                                      FORM("[\"" UUID "\"]"),
                                      FORM("{\"" PLACEHOLDER "\":\"" PLACEHOLDER "\"}"),
                                      FORM(CODES)};

static bool is_one_of(str text, const str *forms, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(text, forms[i]))
            return true;
    return false;
}

static bool is_unavailable(const struct json *json)
{
    if (json->kind == JSON_STRING)
        return is_one_of(json->text, text_forms, sizeof(text_forms) / sizeof(text_forms[0]));
    if (json->kind == JSON_ARRAY || json->kind == JSON_OBJECT)
        return is_one_of(json->text, container_forms,
                         sizeof(container_forms) / sizeof(container_forms[0]));
    return false;
}

struct value type_read(const struct type *type, const struct json *json)
{
    if (json->kind == JSON_NULL)
        return (struct value){VALUE_NULL, STR_EMPTY};
    if (is_unavailable(json))
        return (struct value){VALUE_UNAVAILABLE, json->text};
    return type->read(json);
}
