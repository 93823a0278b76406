/*
 * The files of the page, as the build put them into the program.
 */
#include "handlers.h"

/* Nothing is loaded from elsewhere, nothing runs that the page did not bring, nobody frames it. */
#define UI_POLICY                                                                                  \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "                \
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "                 \
    "require-trusted-types-for 'script'"

static const unsigned char index_html[] = {
#include "ui_index.inc"
};
static const unsigned char page_css[] = {
#include "ui_page_css.inc"
};
static const unsigned char page_js[] = {
#include "ui_page.inc"
};
static const unsigned char api_js[] = {
#include "ui_api.inc"
};
static const unsigned char detail_js[] = {
#include "ui_detail.inc"
};
static const unsigned char dom_js[] = {
#include "ui_dom.inc"
};
static const unsigned char form_js[] = {
#include "ui_form.inc"
};
static const unsigned char list_js[] = {
#include "ui_list.inc"
};
static const unsigned char plot_js[] = {
#include "ui_plot.inc"
};

#define FILE_TEXT(bytes)                                                                           \
    {                                                                                              \
        (const char *)(bytes), sizeof(bytes)                                                       \
    }
#define SCRIPT "text/javascript; charset=utf-8"

static const struct file {
    const char *name, *content_type;
    str text;
} files[] = {
    {"page.css", "text/css; charset=utf-8", FILE_TEXT(page_css)},
    {"page.js", SCRIPT, FILE_TEXT(page_js)},
    {"api.js", SCRIPT, FILE_TEXT(api_js)},
    {"detail.js", SCRIPT, FILE_TEXT(detail_js)},
    {"dom.js", SCRIPT, FILE_TEXT(dom_js)},
    {"form.js", SCRIPT, FILE_TEXT(form_js)},
    {"list.js", SCRIPT, FILE_TEXT(list_js)},
    {"plot.js", SCRIPT, FILE_TEXT(plot_js)},
};

static void respond_file(struct response *response, const char *content_type, str text)
{
    response->content_type = content_type;
    response->policy = UI_POLICY;
    buf_str(&response->body, text);
}

void get_ui(struct request *request, struct response *response)
{
    (void)request;
    respond_file(response, "text/html; charset=utf-8", (str)FILE_TEXT(index_html));
}

void get_ui_file(struct request *request, struct response *response)
{
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (str_is(request->parameter[0], files[i].name)) {
            respond_file(response, files[i].content_type, files[i].text);
            return;
        }
    }
    respond_error(response, 404, "HTTP 404 Not Found");
}
