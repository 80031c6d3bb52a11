"""Pure decisions: functions of values, with time passed in. No I/O, no clock, no asyncio."""
