# jq -r --arg keys KEY,... --arg fields FIELD,... -f changes.jq < EVENTS
(.payload // .) as $event
| ($event.before // {}) as $before
| ($event.after // {}) as $after
| (if $event.after then $after else $before end) as $row
| ($fields | split(","))[]
| select($before[.] != $after[.])
| [($row[($keys | split(","))[]]), ., $before[.], $after[.], $event.op, $event.source.ts_us]
| @csv
