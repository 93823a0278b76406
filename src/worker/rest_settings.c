/*
 * The options of REST.
 */
#include "rest_settings.h"

static const char *const secrets[] = {"writers", "hide", NULL};

#define SETTING(name) offsetof(struct rest_settings, name)

static const struct option_spec rest_option[] = {
    {.key = "listeners",
     .type = OPTION_LIST,
     .preset = "http://127.0.0.1:8083",
     .offset = SETTING(listeners),
     .argument = "URL,...",
     .help =
         "Where Kafka Connect's REST interface listens: http://HOST:PORT, https://HOST:PORT, or "
         "`none`. Where it is set the worker runs on whatever becomes of its connectors, and "
         "does not start if the address is taken; by default it then goes on without REST. "
         "Any address but loopback needs rest.auth.file."},
    {.key = "rest.advertised.host.name",
     .type = OPTION_STRING,
     .offset = SETTING(advertised_host),
     .argument = "HOST",
     .importance = OPTION_LOW,
     .help = "The name by which others reach this worker, and statuses call it. Default: the first "
             "listener's, or that of the machine where it listens on all addresses."},
    {.key = "rest.advertised.port",
     .type = OPTION_INT,
     .preset = "0",
     .max = 65535,
     .offset = SETTING(advertised_port),
     .importance = OPTION_LOW,
     .help = "The same for the port; 0 is the first listener's."},
    {.key = "rest.auth.file",
     .type = OPTION_STRING,
     .offset = SETTING(auth_file),
     .argument = "FILE",
     .help =
         "Who may do what, one a line: `read basic USER:PASSWORD`, `write basic USER:PASSWORD`, "
         "`read bearer TOKEN` or `write bearer TOKEN`; write includes read. A password or "
         "token may be `sha256:` and the 64 hexadecimal digits of its SHA-256. Lines that "
         "begin with # are comments. With it all paths but /health need credentials; without "
         "it everything is allowed to whoever reaches loopback."},
    {.key = "rest.secrets",
     .type = OPTION_ENUM,
     .choices = secrets,
     .preset = "writers",
     .offset = SETTING(secrets),
     .importance = OPTION_LOW,
     .help = "Who sees secrets that stand in configurations (not behind placeholders): those who "
             "may write, as tools that compare expect it, or nobody (hide). All others see "
             "[hidden], and writing [hidden] back keeps the secret."},
    {.key = "listeners.https.ssl.keystore.location",
     .type = OPTION_STRING,
     .offset = SETTING(key_file),
     .argument = "FILE",
     .importance = OPTION_LOW,
     .help = "For https listeners: a PEM file with the private key and the certificate chain."},
    {.key = "listeners.https.ssl.key.password",
     .type = OPTION_STRING,
     .offset = SETTING(key_password),
     .importance = OPTION_LOW,
     .help = "The password of that key, if it has one."},
};

const struct option_table rest_options = {
    .title = "REST", .option = rest_option, .count = sizeof(rest_option) / sizeof(rest_option[0])};

bool rest_settings_load(const struct config *properties, struct rest_settings *settings,
                        struct fault *fault)
{
    *settings = (struct rest_settings){.chosen = config_find(properties, STR("listeners")) != NULL};
    return option_load(&rest_options, properties, settings, fault);
}
