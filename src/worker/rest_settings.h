/*
 * rest_settings: where REST listens and whom it lets in. It stands in this room because every
 * command reads the worker's properties.
 */
#ifndef FIELDTRAIL_REST_SETTINGS_H
#define FIELDTRAIL_REST_SETTINGS_H

#include <fieldtrail/option.h>

enum rest_secrets { SECRETS_WRITERS, SECRETS_HIDE };

struct rest_settings {
    struct str_list listeners;
    bool chosen; /* `listeners` was set, and is no default */
    str advertised_host;
    int64_t advertised_port; /* 0: that of the first listener */
    str auth_file;
    int secrets; /* enum rest_secrets */
    str key_file, key_password;
};

extern const struct option_table rest_options;

bool rest_settings_load(const struct config *properties, struct rest_settings *settings,
                        struct fault *fault) MUST_CHECK;

#endif
