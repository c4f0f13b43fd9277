import torch

from cosmos_search.network.cosmos import CosmosModel
from tests.micro import MICRO
from trainer.method.teacher import make_teacher, update_ema


def test_the_teacher_is_a_mean_of_every_parameter():
    student = CosmosModel(MICRO)
    teacher = make_teacher(student)
    before = {name: p.clone() for name, p in teacher.named_parameters()}
    with torch.no_grad():
        for p in student.parameters():
            p.add_(1)
    update_ema(teacher, student, 0.9)
    for name, p in teacher.named_parameters():
        torch.testing.assert_close(p, 0.9 * before[name] + 0.1 * (before[name] + 1))


def test_the_teacher_has_no_gradient_and_shares_no_memory():
    student = CosmosModel(MICRO)
    teacher = make_teacher(student)
    assert not any(p.requires_grad for p in teacher.parameters())
    assert all(p.requires_grad for p in student.parameters())
    shared = {p.data_ptr() for p in teacher.parameters()} & {p.data_ptr() for p in student.parameters()}
    assert not shared
