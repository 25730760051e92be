/* "about:blank" says that the problem is what its status says, and that the title is the status's
 * own phrase: clients go by `status` and show `detail`. */
#include "dray/daemon/problem.h"

#include "dray/util/json.h"

static const struct {
    unsigned status;
    const char *title;
} titles[] = {
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 409, "Conflict" },
    { 410, "Gone" },
    { 413, "Content Too Large" },
    { 415, "Unsupported Media Type" },
    { 421, "Misdirected Request" },
    { 422, "Unprocessable Content" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 507, "Insufficient Storage" },
};

const char *problem_title(unsigned status)
{
    for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Error";
}

void problem_write(struct buf *out, unsigned status, struct str detail)
{
    struct json *j = json_open(out, false);

    json_map(j);
    json_key(j, "type");
    json_str(j, STR("about:blank"));
    json_key(j, "title");
    json_str(j, str_of(problem_title(status)));
    json_key(j, "status");
    json_int(j, status);
    json_key(j, "detail");
    json_str(j, detail);
    json_map_end(j);
    json_close(j);
}
