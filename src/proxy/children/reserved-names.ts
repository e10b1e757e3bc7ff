/**
 * Names of environment variables that a user's value must never fill, because programs run code, load files or change hosts by them.
 * Operators may still set them as literals.
 */
const RESERVED_NAMES: ReadonlySet<string> = new Set([
  // Where commands and the child's own files are found.
  ...[
    'PATH',
    'HOME',
    'TMPDIR',
    'TMP',
    'TEMP',
    'SHELL',
    'USER',
    'LOGNAME',
    'CDPATH',
    'GCONV_PATH',
    'LOCPATH',
    'NLSPATH',
  ],
  // What shells run when they start.
  ...['ENV', 'BASH_ENV', 'PROMPT_COMMAND', 'PS4', 'ZDOTDIR'],
  // What interpreters load when they start.
  ...[
    'PERL5LIB',
    'PERL5OPT',
    'PERL5DB',
    'PERLLIB',
    'RUBYLIB',
    'RUBYOPT',
    'LUA_PATH',
    'LUA_CPATH',
    'LUA_INIT',
    'CLASSPATH',
  ],
  ...['JAVA_TOOL_OPTIONS', '_JAVA_OPTIONS', 'JDK_JAVA_OPTIONS', 'DOTNET_STARTUP_HOOKS', 'ELECTRON_RUN_AS_NODE'],
  ...['BUN_OPTIONS', 'BUN_INSPECT', 'DENO_DIR', 'DENO_CERT', 'PHPRC', 'PHP_INI_SCAN_DIR'],
  // Commands that other programs run.
  ...[
    'EDITOR',
    'VISUAL',
    'PAGER',
    'BROWSER',
    'SSH_ASKPASS',
    'SUDO_ASKPASS',
    'GIT_ASKPASS',
    'GIT_SSH',
    'GIT_SSH_COMMAND',
  ],
  ...[
    'GIT_EXEC_PATH',
    'GIT_EXTERNAL_DIFF',
    'GIT_EDITOR',
    'GIT_PAGER',
    'GIT_PROXY_COMMAND',
    'GIT_TEMPLATE_DIR',
    'GIT_DIR',
  ],
  // Which certificates are believed, and which daemon is spoken to.
  ...[
    'SSL_CERT_FILE',
    'SSL_CERT_DIR',
    'SSLKEYLOGFILE',
    'REQUESTS_CA_BUNDLE',
    'CURL_CA_BUNDLE',
    'CURL_HOME',
    'DOCKER_HOST',
  ],
])

const RESERVED_BEGINNINGS = [
  ...[
    'LD_',
    'DYLD_',
    'BASH_FUNC_',
    'NODE_',
    'NPM_',
    'YARN_',
    'PNPM_',
    'PYTHON',
    'PIP_',
    'UV_',
    'XDG_',
    'OPENSSL_',
    'MALLOC_',
  ],
  ...['GIT_CONFIG', 'GIT_SSL_', 'COR_', 'CORECLR_', 'MCP_VAULT_', 'MCP_WEB_', 'MCP_AUDIT_'],
]

/** Whether a user's value must not fill the variable. Case does not count: `http_proxy` and `npm_config_…` are read in lower case too. */
export function isReservedName(name: string): boolean {
  const upper = name.toUpperCase()
  return (
    RESERVED_NAMES.has(upper) ||
    upper.endsWith('_PROXY') ||
    RESERVED_BEGINNINGS.some((beginning) => upper.startsWith(beginning))
  )
}

const SHELL_NAMES: ReadonlySet<string> = new Set([
  ...['PWD', 'OLDPWD', 'SHLVL', '_', 'IFS', 'PPID', 'UID', 'EUID', 'OPTIND', 'OPTARG', 'SHELLOPTS', 'BASHOPTS'],
  ...['LINENO', 'RANDOM', 'SECONDS', 'FUNCNAME', 'DIRSTACK', 'GROUPS', 'HOSTNAME', 'HISTCMD', 'BASHPID', 'BASH'],
])

/** Whether a child's environment cannot hold the variable: its folder sets it, or the shell that holds the child back changes it. */
export function isOwnName(name: string): boolean {
  return name === 'HOME' || name === 'TMPDIR' || SHELL_NAMES.has(name) || /^BASH_(?!ENV$)/.test(name)
}
