/*
 * kafka_errors: what an error of librdkafka means for delivery.
 */
#ifndef FIELDTRAIL_KAFKA_ERRORS_H
#define FIELDTRAIL_KAFKA_ERRORS_H

#include <librdkafka/rdkafka.h>

#include <fieldtrail/fault.h>

/* FAULT_CONFIG where only a person can mend it, FAULT_FATAL where the client is of no more use,
   else FAULT_RETRY: nothing is lost by trying again. Reading never gives FAULT_RECORD: what a
   message holds is not the broker's to judge. */
enum fault_kind kafka_error_kind(rd_kafka_resp_err_t error);

#endif
