/*
 * sql_type: what PostgreSQL calls the type of a column, by its Connect schema.
 */
#ifndef FIELDTRAIL_SQL_TYPE_H
#define FIELDTRAIL_SQL_TYPE_H

#include <fieldtrail/str.h>

/* The type's name, a static text, for a schema's type and semantic name: "text" for whatever has no
   type whose texts are those of the values. */
const char *sql_type(str type, str name);

#endif
