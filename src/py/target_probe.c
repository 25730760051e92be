/* The script gathers what packaging.tags and packaging.markers look at, and leaves the conclusions
 * to target.c: so one answer serves tags, markers and every later --platform. The answer is one
 * flat object; a table says which member goes into which field. */
#include "dray/py/target_probe.h"

#include <stddef.h>
#include <yajl/yajl_tree.h>

#include "dray/util/limits.h"

#pragma GCC diagnostic ignored                                                                     \
    "-Woverlength-strings" /* C11 promises 4,095 bytes; compilers in use take any */

/* Kept to Python 3.7's grammar. Every source of a fact may fail by itself: only what all Pythons
 * have is asked for without a guard. */
/* clang-format off */
const char target_probe_script[] =
    "import json, os, platform, re, struct, subprocess, sys, sysconfig\n"
    "from importlib.machinery import EXTENSION_SUFFIXES\n"
    "\n"
    "var = sysconfig.get_config_var\n"
    "BITS32 = struct.calcsize('P') == 4\n"
    "\n"
    "def two(text):\n"
    "    m = re.match(r'([0-9]+)\\.([0-9]+)', text or '')\n"
    "    return (int(m.group(1)), int(m.group(2))) if m else (0, 0)\n"
    "\n"
    "def implementation_version():\n"
    "    v = sys.implementation.version\n"
    "    text = '%d.%d.%d' % v[:3]\n"
    "    return text if v[3] == 'final' else text + v[3][0] + str(v[4])\n"
    "\n"
    "def debug_build():\n"
    "    flag = var('Py_DEBUG')\n"
    "    if flag is None:\n"
    "        return hasattr(sys, 'gettotalrefcount') or '_d.pyd' in EXTENSION_SUFFIXES\n"
    "    return bool(flag)\n"
    "\n"
    "def glibc():\n"
    "    try:\n"
    "        return two(os.confstr('CS_GNU_LIBC_VERSION').rsplit()[1])\n"
    "    except (AttributeError, IndexError, OSError, ValueError):\n"
    "        pass\n"
    "    try:\n"
    "        name, version = platform.libc_ver()\n"
    "    except (OSError, ValueError):\n"
    "        return (0, 0)\n"
    "    return two(version) if name == 'glibc' else (0, 0)\n"
    "\n"
    "def elf():\n"
    "    'Class, machine and flags of this executable, and the path of its loader.'\n"
    "    with open(sys.executable, 'rb') as f:\n"
    "        head = f.read(64)\n"
    "        if head[:4] != b'\\x7fELF' or head[4] not in (1, 2) or head[5] not in (1, 2):\n"
    "            raise ValueError('no ELF')\n"
    "        end = '<' if head[5] == 1 else '>'\n"
    "        wide = head[4] == 2\n"
    "        form = end + ('HHIQQQIHHH' if wide else 'HHIIIIIHHH')\n"
    "        fields = struct.unpack_from(form, head, 16)\n"
    "        machine, start, flags, size, count = [fields[i] for i in (1, 4, 6, 8, 9)]\n"
    "        form = end + ('IIQQQQQQ' if wide else 'IIIIIIII')\n"
    "        loader = ''\n"
    "        for i in range(count):\n"
    "            f.seek(start + size * i)\n"
    "            part = f.read(struct.calcsize(form))\n"
    "            if len(part) != struct.calcsize(form):\n"
    "                continue\n"
    "            part = struct.unpack(form, part)\n"
    "            if part[0] == 3:\n"
    "                f.seek(part[2 if wide else 1])\n"
    "                loader = os.fsdecode(f.read(min(part[5 if wide else 4], 4096))).strip('\\0')\n"
    "                break\n"
    "    return (wide, end, machine, flags, loader)\n"
    "\n"
    "def elf_abi(wide, end, machine, flags, loader):\n"
    "    if wide or end != '<':\n"
    "        return None\n"
    "    if machine == 3:\n"
    "        return 'i686'\n"
    "    hard = flags & 0xff000000 == 0x05000000 and flags & 0x400 == 0x400\n"
    "    return 'armhf' if machine == 40 and hard else None\n"
    "\n"
    "def musl(loader):\n"
    "    if 'musl' not in loader:\n"
    "        return (0, 0)\n"
    "    p = subprocess.run([loader], stderr=subprocess.PIPE, universal_newlines=True)\n"
    "    lines = [n.strip() for n in p.stderr.splitlines() if n.strip()]\n"
    "    if len(lines) < 2 or lines[0][:4] != 'musl' or lines[1][:8] != 'Version ':\n"
    "        return (0, 0)\n"
    "    return two(lines[1][8:])\n"
    "\n"
    "def macos():\n"
    "    version, _, machine = platform.mac_ver()\n"
    "    if two(version) == (10, 16):\n"
    "        # Python that was built with an older SDK is told 10.16 for every later one.\n"
    "        version = subprocess.run(\n"
    "            [sys.executable, '-sS', '-c', 'import platform; print(platform.mac_ver()[0])'],\n"
    "            check=True, env={'SYSTEM_VERSION_COMPAT': '0'}, stdout=subprocess.PIPE,\n"
    "            universal_newlines=True).stdout\n"
    "    return two(version) + (machine,)\n"
    "\n"
    "def linux_archs():\n"
    "    arch = re.sub('[-. ]', '_', sysconfig.get_platform())[len('linux_'):]\n"
    "    if BITS32:\n"
    "        arch = {'x86_64': 'i686', 'aarch64': 'armv8l'}.get(arch, arch)\n"
    "    return ['armv8l', 'armv7l'] if arch == 'armv8l' else [arch]\n"
    "\n"
    "def manylinux_denied(libc):\n"
    "    'PEP 600: the _manylinux module of a distribution may say no.'\n"
    "    try:\n"
    "        import _manylinux as site\n"
    "    except ImportError:\n"
    "        return []\n"
    "    ask = getattr(site, 'manylinux_compatible', None)\n"
    "    old = {(2, 5): 'manylinux1', (2, 12): 'manylinux2010', (2, 17): 'manylinux2014'}\n"
    "    denied = []\n"
    "    for arch in linux_archs():\n"
    "        for major in range(libc[0], 1, -1):\n"
    "            for minor in range(libc[1] if major == libc[0] else 50, -1, -1):\n"
    "                if ask:\n"
    "                    good = ask(major, minor, arch)\n"
    "                    good = True if good is None else good\n"
    "                else:\n"
    "                    name = old.get((major, minor))\n"
    "                    good = not name or getattr(site, name + '_compatible', True)\n"
    "                if not good:\n"
    "                    denied.append('%d_%d_%s' % (major, minor, arch))\n"
    "    return denied\n"
    "\n"
    "facts = {\n"
    "    'implementation_name': sys.implementation.name,\n"
    "    'implementation_version': implementation_version(),\n"
    "    'os_name': os.name,\n"
    "    'platform_machine': platform.machine(),\n"
    "    'platform_python_implementation': platform.python_implementation(),\n"
    "    'platform_release': platform.release(),\n"
    "    'platform_system': platform.system(),\n"
    "    'platform_version': platform.version(),\n"
    "    'python_full_version': platform.python_version(),\n"
    "    'python_version': '.'.join(platform.python_version_tuple()[:2]),\n"
    "    'sys_platform': sys.platform,\n"
    "    'python_major': sys.version_info[0], 'python_minor': sys.version_info[1],\n"
    "    'ext_suffix': var('EXT_SUFFIX'), 'soabi': var('SOABI'),\n"
    "    'platform': sysconfig.get_platform(),\n"
    "    'debug_build': debug_build(), 'free_threaded': bool(var('Py_GIL_DISABLED')),\n"
    "    'is_32bit': BITS32, 'no_pymalloc': var('WITH_PYMALLOC') == 0,\n"
    "    'glibc_major': 0, 'glibc_minor': 0, 'musl_major': 0, 'musl_minor': 0,\n"
    "    'macos_major': 0, 'macos_minor': 0, 'macos_machine': None, 'elf_abi': None,\n"
    "    'android_api': 0, 'manylinux_denied': [], 'executable': sys.executable,\n"
    "}\n"
    "if facts['platform_system'] == 'Linux':\n"
    "    libc = facts['glibc_major'], facts['glibc_minor'] = glibc()\n"
    "    facts['manylinux_denied'] = manylinux_denied(libc)\n"
    "    try:\n"
    "        header = elf()\n"
    "        facts['elf_abi'] = elf_abi(*header)\n"
    "        facts['musl_major'], facts['musl_minor'] = musl(header[-1])\n"
    "    except (OSError, TypeError, ValueError, struct.error):\n"
    "        pass\n"
    "elif facts['platform_system'] == 'Darwin':\n"
    "    facts['macos_major'], facts['macos_minor'], facts['macos_machine'] = macos()\n"
    "elif facts['platform_system'] == 'Android':\n"
    "    facts['android_api'] = platform.android_ver().api_level\n"
    "sys.stdout.write(json.dumps(facts) + '\\n')\n";
/* clang-format on */

enum fact_kind { FACT_TEXT, FACT_TEXT_OR_NULL, FACT_NUMBER, FACT_FLAG };

static const struct fact {
    const char *name;
    enum fact_kind kind;
    size_t offset;
    /* clang-format off */
} fact_table[] = {
#define FACT(field, kind) { #field, kind, offsetof(struct target_facts, field) },
#define FACT_ENV(field, name) { name, FACT_TEXT, offsetof(struct target_facts, env.field) },
    MARKER_VARIABLES(FACT_ENV)
    FACT(python_major, FACT_NUMBER)
    FACT(python_minor, FACT_NUMBER)
    FACT(ext_suffix, FACT_TEXT_OR_NULL)
    FACT(soabi, FACT_TEXT_OR_NULL)
    FACT(platform, FACT_TEXT)
    FACT(debug_build, FACT_FLAG)
    FACT(free_threaded, FACT_FLAG)
    FACT(is_32bit, FACT_FLAG)
    FACT(no_pymalloc, FACT_FLAG)
    FACT(glibc_major, FACT_NUMBER)
    FACT(glibc_minor, FACT_NUMBER)
    FACT(musl_major, FACT_NUMBER)
    FACT(musl_minor, FACT_NUMBER)
    FACT(macos_major, FACT_NUMBER)
    FACT(macos_minor, FACT_NUMBER)
    FACT(macos_machine, FACT_TEXT_OR_NULL)
    FACT(elf_abi, FACT_TEXT_OR_NULL)
    FACT(android_api, FACT_NUMBER)
    FACT(executable, FACT_TEXT_OR_NULL)
#undef FACT_ENV
#undef FACT
};
/* clang-format on */

static yajl_val fact_get(yajl_val root, const char *name)
{
    const char *path[] = { name, NULL };

    return yajl_tree_get(root, path, yajl_t_any);
}

static int fact_bad(const char *name, yajl_val value, const char *expected, struct err *e)
{
    return err_set(e, ERR_INPUT, "the interpreter's answer %s \"%s\": expected %s",
                   value ? "has a wrong member" : "lacks the member", name, expected);
}

static int fact_read_text(struct arena *a, const struct fact *fact, yajl_val v, struct str *out,
                          struct err *e)
{
    if (fact->kind == FACT_TEXT_OR_NULL && YAJL_IS_NULL(v)) {
        *out = STR_NONE;
        return 0;
    }
    if (!YAJL_IS_STRING(v))
        return fact_bad(fact->name, v, "a string", e);
    *out = arena_str(a, str_of(YAJL_GET_STRING(v)));
    return 0;
}

static int fact_read(struct arena *a, const struct fact *fact, yajl_val v, void *out, struct err *e)
{
    switch (fact->kind) {
    case FACT_TEXT:
    case FACT_TEXT_OR_NULL:
        return fact_read_text(a, fact, v, out, e);
    case FACT_NUMBER:
        if (!YAJL_IS_INTEGER(v) || YAJL_GET_INTEGER(v) < 0 ||
            YAJL_GET_INTEGER(v) > LIMIT_TARGET_NUMBER)
            return fact_bad(fact->name, v, "a version number from 0 to 200", e);
        *(unsigned *)out = (unsigned)YAJL_GET_INTEGER(v);
        return 0;
    case FACT_FLAG:
        if (!YAJL_IS_TRUE(v) && !YAJL_IS_FALSE(v))
            return fact_bad(fact->name, v, "true or false", e);
        *(bool *)out = YAJL_IS_TRUE(v);
        return 0;
    }
    return 0;
}

static int facts_read_denied(struct arena *a, yajl_val v, struct target_facts *f, struct err *e)
{
    if (!YAJL_IS_ARRAY(v))
        return fact_bad("manylinux_denied", v, "a list of strings", e);
    size_t n = YAJL_GET_ARRAY(v)->len;
    struct str *denied = arena_alloc(a, n, sizeof(*denied));
    for (size_t i = 0; i < n; i++) {
        yajl_val item = YAJL_GET_ARRAY(v)->values[i];
        if (!YAJL_IS_STRING(item))
            return fact_bad("manylinux_denied", v, "a list of strings", e);
        denied[i] = arena_str(a, str_of(YAJL_GET_STRING(item)));
    }
    f->manylinux_denied = denied;
    f->n_manylinux_denied = n;
    return 0;
}

static int facts_read(struct arena *a, yajl_val root, struct target_facts *out, struct err *e)
{
    struct target_facts f = { 0 };
    int code = 0;

    if (!YAJL_IS_OBJECT(root))
        return err_set(e, ERR_INPUT, "the interpreter's answer is no JSON object");
    for (size_t i = 0; i < sizeof(fact_table) / sizeof(fact_table[0]) && !code; i++) {
        const struct fact *fact = &fact_table[i];
        code = fact_read(a, fact, fact_get(root, fact->name), (char *)&f + fact->offset, e);
    }
    if (!code)
        code = facts_read_denied(a, fact_get(root, "manylinux_denied"), &f, e);
    if (!code)
        *out = f;
    return code;
}

/* yajl frees a tree by recursion: so many brackets as the answer never has are refused before. */
static int facts_check_text(struct str json, struct err *e)
{
    size_t brackets = 0;

    if (json.n > LIMIT_CHILD_OUTPUT_BYTES)
        return err_set(e, ERR_LIMIT, "the interpreter's answer has %zu bytes; at most %d are read",
                       json.n, LIMIT_CHILD_OUTPUT_BYTES);
    for (size_t i = 0; i < json.n; i++)
        brackets += json.p[i] == '{' || json.p[i] == '[';
    if (brackets > LIMIT_JSON_DEPTH || str_find(json, '\0') >= 0)
        return err_set(e, ERR_INPUT, "the interpreter's answer is no flat JSON object");
    return 0;
}

int target_facts_parse(struct arena *a, struct str json, struct target_facts *out, struct err *e)
{
    char problem[256] = "";
    struct arena scratch = { 0 };

    int code = facts_check_text(json, e);
    if (code)
        return code;
    struct str text = arena_str(&scratch, json.p ? json : STR("")); /* yajl wants a NUL behind it */
    yajl_val root = yajl_tree_parse(text.p, problem, sizeof(problem));
    if (root)
        code = facts_read(a, root, out, e);
    else
        code = err_set(e, ERR_INPUT, "the interpreter's answer is not JSON: %s", problem);
    yajl_tree_free(root);
    arena_done(&scratch);
    return code;
}
