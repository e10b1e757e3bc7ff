/**
 * Providers for well-known services: the fields of the form, a guide to make the token, where it may be sent and in which header, and a
 * check of each new token.
 *
 * @module mcp-credential-vault/presets
 */

import {
  confluenceCloudSource,
  confluenceDataCenterSource,
  jiraCloudSource,
  jiraDataCenterSource,
} from './atlassian.ts'
import { artifactorySource, jenkinsSource, sonarqubeSource } from './build-tools.ts'
import { azureDevOpsSource, bitbucketSource, githubSource, gitlabSource } from './code-hosts.ts'
import { datadogSource, grafanaSource, pagerdutySource, sentrySource } from './observability.ts'
import type { PresetSource } from './preset.ts'
import { linearSource, notionSource, slackSource } from './workspaces.ts'

export { confluenceCloud, confluenceDataCenter, jiraCloud, jiraDataCenter } from './atlassian.ts'
export { artifactory, jenkins, sonarqube } from './build-tools.ts'
export { azureDevOps, bitbucket, github, gitlab } from './code-hosts.ts'
export { type DatadogSite, datadog, grafana, pagerduty, sentry } from './observability.ts'
export type { DeclaredSite, EnteredSite, Preset, PresetSource, SitePreset, SiteVariable } from './preset.ts'
export { linear, notion, slack } from './workspaces.ts'

/** Where the facts of each preset come from: the pages, the day on which they were read, and what they do not confirm. */
export const presetSources: Readonly<Record<string, PresetSource>> = {
  github: githubSource,
  gitlab: gitlabSource,
  bitbucket: bitbucketSource,
  azureDevOps: azureDevOpsSource,
  jiraCloud: jiraCloudSource,
  jiraDataCenter: jiraDataCenterSource,
  confluenceCloud: confluenceCloudSource,
  confluenceDataCenter: confluenceDataCenterSource,
  jenkins: jenkinsSource,
  artifactory: artifactorySource,
  sonarqube: sonarqubeSource,
  grafana: grafanaSource,
  sentry: sentrySource,
  datadog: datadogSource,
  pagerduty: pagerdutySource,
  notion: notionSource,
  slack: slackSource,
  linear: linearSource,
}
