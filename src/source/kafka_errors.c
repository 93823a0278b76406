/*
 * The table of librdkafka's errors; what is not in it passes by itself.
 */
#include "kafka_errors.h"

#include <stddef.h>

struct error_class {
    rd_kafka_resp_err_t error;
    enum fault_kind kind;
};

static const struct error_class classes[] = {
    /* A person's: rights, credentials, certificates, names, settings that cannot go together. */
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, FAULT_CONFIG},
    {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, FAULT_CONFIG},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, FAULT_CONFIG},
    {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, FAULT_CONFIG},
    {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, FAULT_CONFIG},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM, FAULT_CONFIG},
    {RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE, FAULT_CONFIG},
    {RD_KAFKA_RESP_ERR_SECURITY_DISABLED, FAULT_CONFIG},
    {RD_KAFKA_RESP_ERR__AUTHENTICATION, FAULT_CONFIG},
    {RD_KAFKA_RESP_ERR__SSL, FAULT_CONFIG},
    {RD_KAFKA_RESP_ERR_INVALID_GROUP_ID, FAULT_CONFIG},
    {RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL, FAULT_CONFIG},
    {RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT, FAULT_CONFIG},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, FAULT_CONFIG},
    {RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, FAULT_CONFIG},
    {RD_KAFKA_RESP_ERR__INVALID_ARG, FAULT_CONFIG},
    {RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, FAULT_CONFIG}, /* a name that no topic may have */
    {RD_KAFKA_RESP_ERR_INVALID_CONFIG, FAULT_CONFIG},
    {RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, FAULT_CONFIG},
    {RD_KAFKA_RESP_ERR_POLICY_VIOLATION, FAULT_CONFIG},
    {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, FAULT_CONFIG}, /* limits of topic and producer */
    /* The client's end: another one must be made. */
    {RD_KAFKA_RESP_ERR__FATAL, FAULT_FATAL},
    {RD_KAFKA_RESP_ERR__FENCED, FAULT_FATAL},
    {RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, FAULT_FATAL},
};

enum fault_kind kafka_error_kind(rd_kafka_resp_err_t error)
{
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
        if (classes[i].error == error)
            return classes[i].kind;
    return FAULT_RETRY;
}
