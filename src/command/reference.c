/*
 * fieldtrail reference: the option reference as Markdown, from the tables. The build writes it into
 * connectors/README.md, and a test compares.
 */
#include "cluster_settings.h"
#include "commands.h"
#include "connector.h"
#include "lines.h"
#include "rest_settings.h"

static enum exit_status run(struct command_line *line)
{
    const struct option_table *table[CONNECTOR_TABLES_LIMIT];
    size_t count = connector_tables(table);
    struct buf out;
    (void)line;
    buf_init(&out, 1000000);
    for (size_t i = 0; i < count; i++)
        option_markdown(table[i], &out);
    option_markdown(&lines_options, &out);
    option_markdown(&worker_options, &out);
    option_markdown(&cluster_options, &out);
    option_markdown(&rest_options, &out);
    enum exit_status status = cli_print(&out);
    buf_release(&out);
    return status;
}

const struct command reference_command = {
    .name = "reference",
    .usage = "",
    .summary = "Prints the reference of all options as Markdown.",
    .run = run};
