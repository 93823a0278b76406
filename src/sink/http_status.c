/*
 * The table of HTTP statuses. Meanings: RFC 9110, section 15.
 */
#include "http_status.h"

#include <stddef.h>

struct status {
    int code;
    enum fault_kind kind;
};

static const struct status statuses[] = {
    /* The record's: the same bytes are refused for ever. */
    {400, FAULT_RECORD}, /* a line that the target cannot read */
    {409, FAULT_RECORD}, /* it contradicts what is there */
    {413, FAULT_RECORD}, /* too large: halves may do, one record alone never */
    {422, FAULT_RECORD}, /* read, and refused for its content */
    /* A person's: address, credentials, rights, version. */
    {301, FAULT_CONFIG}, /* another address: rows are not sent where nobody said */
    {302, FAULT_CONFIG},
    {303, FAULT_CONFIG},
    {307, FAULT_CONFIG},
    {308, FAULT_CONFIG},
    {401, FAULT_CONFIG}, /* credentials */
    {402, FAULT_CONFIG},
    {403, FAULT_CONFIG}, /* rights */
    {404, FAULT_CONFIG}, /* a wrong path, or a target without this interface */
    {405, FAULT_CONFIG},
    {406, FAULT_CONFIG},
    {407, FAULT_CONFIG}, /* credentials of a proxy */
    {410, FAULT_CONFIG},
    {415, FAULT_CONFIG}, /* an encoding that it does not take */
    {426, FAULT_CONFIG}, /* TLS wanted */
    {501, FAULT_CONFIG},
    {505, FAULT_CONFIG},
    {511, FAULT_CONFIG}, /* a network that wants to be logged in to */
    /* The environment's: it passes. */
    {408, FAULT_RETRY}, /* the request came too slowly */
    {421, FAULT_RETRY},
    {425, FAULT_RETRY},
    {429, FAULT_RETRY}, /* too many requests */
    {502, FAULT_RETRY}, /* a proxy without its server */
    {503, FAULT_RETRY},
    {504, FAULT_RETRY},
    {507, FAULT_RETRY}, /* its disk is full */
};

static const struct status *find_status(int code)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (statuses[i].code == code)
            return &statuses[i];
    return NULL;
}

enum fault_kind http_status_kind(int status)
{
    if (status >= 200 && status <= 299)
        return FAULT_NONE;
    const struct status *found = find_status(status);
    return found ? found->kind : FAULT_RETRY;
}

bool http_status_is_known(int status)
{
    return (status >= 200 && status <= 299) || find_status(status) != NULL;
}
