/** The icons of lablambda, in the colours of JupyterLab's. */

import { LabIcon } from '@jupyterlab/ui-components';

export const lambdaIcon = new LabIcon({
  name: 'lablambda:lambda',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3" fill="#616161" d="M5 3v2h3.2l2 4.9L4.4 21h2.3l4.5-8.7L14.700 21H19v-2h-2.900L9.600 3z"/>
</svg>`
});

export const logIcon = new LabIcon({
  name: 'lablambda:log',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3" fill="#616161" d="M4 5h16v2H4zm0 4h10v2H4zm0 4h16v2H4zm0 4h10v2H4z"/>
</svg>`
});
