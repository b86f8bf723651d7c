import { showBars } from "../bars.js";
import { demoKind } from "../panel.js";

demoKind("classify", { result: (view) => ({ finish: () => showBars(view.element) }) });
