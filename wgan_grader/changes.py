"""What a function may leave changed, and what is said when it leaves more.

The rule, as students read it, is `RULE`. A case allows more by its options: ``after`` names the arguments whose values
the exercise is about, ``may_change`` lists further codes or aspects, ``constants`` names outputs through which no
gradient may run, and with ``loss`` gradients that are left in ``.grad`` count as well: the caller's backward() would
add to them. Codes are those of `wgan_course.check.world`; one that is not listed here costs nothing: random numbers
drawn, threads, print options and filters of warnings change no later result.
"""

from collections.abc import Iterable, Sequence

from wgan_course.check.exchange import Observation

from .problem import Case

RULE = (
    "Unless the exercise asks for it, a function leaves everything but its result as it was: its arguments and their "
    "requires_grad, the mode, hooks, buffers and parameters of a module, the gradients in .grad where, and only where, "
    "the result is a loss, and PyTorch's settings (grad mode, default dtype and device, seed). A change that is left "
    "costs the first criterion, and the check names it."
)
ARGUMENTS = {
    "value": "it changed {name} in place. Work on a copy (x = x / s, not x /= s)",
    "grad": "it left gradients in {name} or changed those that were there: the caller's backward() adds to them. Leave "
    ".grad alone",
    "requires-grad": "it left requires_grad switched on in {name}. Work on {name}.detach().requires_grad_()",
    "frozen": "it switched requires_grad off in {name}: an optimiser would never move it again",
    "thawed": "it switched requires_grad on in {name} where it was off: what was frozen would train again. Put back "
    "what each parameter had",
    "eval-mode": "it left {name} in evaluation mode",
    "train-mode": "it left {name} in training mode",
    "hooks": "it left hooks on {name}. Keep the handle that registering returns, and remove() it",
    "buffers": "it changed buffers of {name}",
    "replaced": "it put new parameters into {name}: an optimiser that was made before still holds the old ones",
    "layers": "it added, removed or replaced layers of {name}",
    "graph": "{name} comes back with a graph behind it. Compute it under torch.no_grad(), or detach it",
}
SHARED = {
    "grad-mode": "it left gradients switched off for everybody: use with torch.no_grad(), which ends",
    "grad-mode-elsewhere": "called with gradients switched off, it left them switched on: use with "
    "torch.enable_grad(), which ends",
    "default-dtype": "it changed torch's default dtype",
    "default-dtype-elsewhere": "called where float64 is torch's default dtype, it left another one",
    "default-device": "it changed torch's default device",
    "deterministic": "it changed whether torch uses deterministic algorithms",
    "anomaly": "it changed torch's anomaly detection",
    "global-hooks": "it left hooks on all modules",
    "seed": "it set the seed of torch's global generator: all later draws repeat. Use a torch.Generator of your own",
}


def left(case: Case, seen: Observation) -> list[str]:
    """Codes of the changes that cost points in this case."""
    options = case.options
    allowed = {f"value:{name.split('.')[0]}" for name in options.get("after", ())} | set(options.get("may_change", ()))
    allowed |= set() if options.get("loss") else {"grad"}
    allowed |= {"seed"} if "seed" in case.inputs else set()
    return [code for code in seen.changes if _counts(code, options.get("constants", ())) and not _in(code, allowed)]


def message(codes: Sequence[str]) -> str:
    """What was left changed, in words; of many changes the first three."""
    found = list(dict.fromkeys(filter(None, map(_words, codes))))
    rest = f"; and {len(found) - 3} more" if len(found) > 3 else ""
    return f"Your function changed more than it was asked to: {'; '.join(found[:3])}{rest}."


def _counts(code: str, constants: Iterable[str]) -> bool:
    aspect, _, name = code.partition(":")
    if aspect == "graph":
        return name in constants
    return aspect in ARGUMENTS if name else code in SHARED


def _in(code: str, allowed: set[str]) -> bool:
    return code in allowed or code.partition(":")[0] in allowed


def _words(code: str) -> str:
    aspect, _, name = code.partition(":")
    return ARGUMENTS[aspect].format(name=name) if name else SHARED[code]
