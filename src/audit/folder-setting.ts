/** The log's folder as messages name it: the variable, and the option of those who open the log in code. */
export const FOLDER_SETTING = 'MCP_AUDIT_FOLDER (jsonLinesAudit.folder)'
