/** Invoking a function with its test event, whatever the kernel does meanwhile. */

import type { Lab } from '../lab/lab';
import type { Place } from './place';

export async function invoke(lab: Lab, place: Place, name: string): Promise<void> {
  const { event, running } = place.trial(name);
  if (running) {
    return;
  }
  try {
    JSON.parse(event);
  } catch (error) {
    place.change(name, { answer: null, problem: `The event isn't JSON: ${(error as Error).message}` });
    return;
  }
  place.change(name, { running: true, answer: null, problem: '' });
  try {
    place.change(name, { answer: await lab.requests.invoke(name, event) });
  } catch (error) {
    place.change(name, { problem: (error as Error).message });
  } finally {
    place.change(name, { running: false });
  }
}

/** Once more with an event that the function had; it is there to be changed afterwards. */
export async function replay(lab: Lab, place: Place, name: string, requestId?: string): Promise<void> {
  try {
    const event = await lab.requests.pastEvent(name, requestId);
    place.change(name, { event: JSON.stringify(JSON.parse(event), null, 2) });
  } catch (error) {
    place.change(name, { answer: null, problem: (error as Error).message });
    place.go(name, 'Test');
    return;
  }
  place.go(name, 'Test');
  await invoke(lab, place, name);
}
