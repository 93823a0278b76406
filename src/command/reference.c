/*
 * fieldtrail reference: the option reference as Markdown, from the tables. The build writes it into
 * connectors/README.md, and a test compares.
 */
#include "commands.h"
#include "encoders.h"
#include "lines.h"
#include "pivot.h"
#include "task.h"

enum exit_status reference_main(int argc, char **argv)
{
    static const struct option_table *const tables[] = {&pivot_options, &encoder_options,
                                                        &task_options, &lines_options};
    struct buf out;
    (void)argc;
    (void)argv;
    buf_init(&out, 1000000);
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        option_markdown(tables[i], &out);
    enum exit_status status = cli_print(&out);
    buf_release(&out);
    return status;
}
