"""What the QuestDB sink needs of QuestDB, in this process: tables that are made by the sink's own
statements, lines that are read by the rules of their protocol, and rows that the deduplication keys
make one. It knows no more SQL than the sink says; tests/live asks the real server."""
import http.server
import json
import re
import threading
import urllib.parse

CREATE = re.compile(r'CREATE TABLE IF NOT EXISTS "?(?P<name>[^" ]+)"? \((?P<columns>.*)\) '
                    r"TIMESTAMP\((?P<time>\w+)\) PARTITION BY DAY WAL DEDUP UPSERT KEYS\((?P<keys>.*)\)$",
                    re.DOTALL)


class Table:
    def __init__(self, number, columns, time, keys):
        self.number, self.columns, self.time, self.keys = number, columns, time, keys
        self.rows = {}

    def put(self, row):
        assert set(row) <= set(self.columns), row
        self.rows[tuple(row.get(key) for key in self.keys)] = row


def words(line):
    """Parts of a line between blanks and commas that stand neither in quotes nor behind a backslash."""
    parts, quoted, i = [["", ""]], False, 0
    while i < len(line):
        letter = line[i]
        if letter == "\\":
            parts[-1][0] += line[i:i + 2]
            i += 2
            continue
        if letter == '"':
            quoted = not quoted
        if letter in " ," and not quoted:
            parts[-1][1] = letter
            parts.append(["", ""])
        else:
            parts[-1][0] += letter
        i += 1
    return parts


def plain(text):
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def value_of(text):
    if text.startswith('"'):
        return plain(text[1:-1])
    if text in ("t", "f"):
        return text == "t"
    return int(text[:-1]) if text[-1] in "it" else float(text)


def read_line(line):
    """Table and row."""
    parts, row, fields = words(line), {}, False
    name, stamp = plain(parts[0][0]), int(parts[-1][0])
    for (_, before), (text, _) in zip(parts, parts[1:-1]):
        fields = fields or before == " "
        column, value = re.fullmatch(r"((?:\\.|[^=\\])*)=(.*)", text, re.DOTALL).groups()
        assert plain(column) not in row, line
        row[plain(column)] = value_of(value) if fields else plain(value)
    return name, row, stamp


class Quest(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.tables, self.numbers, self.lines = {}, 0, 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def create(self, sql):
        made = CREATE.match(" ".join(re.sub(r"--[^\n]*", "", sql).split()).rstrip("; "))
        assert made, sql
        columns = dict(re.findall(r'"?(\w+)"? ([A-Z]+)', made["columns"]))
        if made["name"] not in self.tables:
            self.numbers += 1
            self.tables[made["name"]] = Table(self.numbers, columns, made["time"],
                                              made["keys"].split(", "))

    def query(self, sql):
        if sql.startswith("CREATE"):
            return self.create(sql)
        names = [name for name in re.findall(r"'([^']*)'", sql) if name in self.tables]
        chosen = [(name, self.tables[name]) for name in names]
        if "table_columns(" in sql:
            return [[column, kind, column in table.keys] for _, table in chosen
                    for column, kind in table.columns.items()]
        if "designatedTimestamp" in sql:
            return [[table.number, name, table.time, True, False] for name, table in chosen]
        assert "w.suspended" in sql, sql
        return [[name, table.number, False] for name, table in chosen]

    def write(self, text):
        # a line end in quotes is escaped by the backslash in front of it
        for line in re.findall(r"(?:\\.|[^\\\n])+(?=\n)", text, re.DOTALL):
            name, row, stamp = read_line(line)
            row[self.tables[name].time] = stamp
            self.tables[name].put(row)
            self.lines += 1

    def rows(self, table):
        return list(self.tables[table].rows.values()) if table in self.tables else []

    def close(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        sql = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)["query"][0]
        self.answer(200, json.dumps({"dataset": self.server.query(sql)}).encode())

    def do_POST(self):
        self.server.write(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.answer(204)
