/*
 * handlers: one function for each row of the route table. A handler fills the response, which
 * stands at 200 without a body.
 */
#ifndef FIELDTRAIL_HANDLERS_H
#define FIELDTRAIL_HANDLERS_H

#include "rest.h"

/* root.c */
void get_root(struct request *request, struct response *response);
void get_health(struct request *request, struct response *response);
void get_live(struct request *request, struct response *response);

/* observe.c */
void get_metrics(struct request *request, struct response *response);
void get_summary(struct request *request, struct response *response);
void get_observed(struct request *request, struct response *response);

/* ui.c */
void get_ui(struct request *request, struct response *response);
void get_ui_file(struct request *request, struct response *response);

/* connectors.c */
void get_connectors(struct request *request, struct response *response);
void get_connector(struct request *request, struct response *response);
void get_config(struct request *request, struct response *response);
void get_status(struct request *request, struct response *response);
void get_tasks(struct request *request, struct response *response);
void get_task_status(struct request *request, struct response *response);
void get_topics(struct request *request, struct response *response);

/* changes.c */
void post_connectors(struct request *request, struct response *response);
void put_config(struct request *request, struct response *response);
void patch_config(struct request *request, struct response *response);
void delete_connector(struct request *request, struct response *response);
void put_pause(struct request *request, struct response *response);
void put_resume(struct request *request, struct response *response);
void put_stop(struct request *request, struct response *response);
void post_restart(struct request *request, struct response *response);
void post_task_restart(struct request *request, struct response *response);
void put_topics_reset(struct request *request, struct response *response);

/* offset_requests.c */
void get_offsets(struct request *request, struct response *response);
void patch_offsets(struct request *request, struct response *response);
void delete_offsets(struct request *request, struct response *response);

/* plugins.c */
void get_plugins(struct request *request, struct response *response);
void get_plugin_config(struct request *request, struct response *response);
void put_validate(struct request *request, struct response *response);

/* loggers.c */
void get_loggers(struct request *request, struct response *response);
void get_logger(struct request *request, struct response *response);
void put_logger(struct request *request, struct response *response);

#endif
